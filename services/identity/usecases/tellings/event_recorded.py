"""Every event of the record that was told, with the subject it was filed under and the person that subject has now."""

from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from libs.common.http.pages import decode_cursor, encode_cursor
from libs.common.replay import Part, Telling
from libs.common.replay.telling import lines_of
from libs.common.runtime import Runtime
from services.identity.domain.publication import record_event
from services.identity.store import nodes
from services.identity.store import telling as told
from services.identity.store.event_log import LoggedEvent
from services.identity.store.nodes import key, number_of
from services.identity.usecases.find_owners import owners_then
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.resolve_events import Read, chosen_subject, read_call


async def _part(tx: Tx, runtime: Runtime[Any], workspace_id: int, after: str | None, limit: int) -> Part:
    tools: GraphTools = runtime.parts.graph
    logged = await told.told_events(tx, workspace_id, after=decode_cursor(after, tuple[datetime, UUID]), limit=limit)
    read = await _read(tx, tools, workspace_id, logged, runtime)
    lines = lines_of(await _events(tx, tools, workspace_id, read))
    if len(logged) < limit:
        return Part(lines, None)
    last = logged[-1]
    return Part(lines, encode_cursor(last.received_at, last.event_id), last.received_at)


async def _read(
    tx: Tx, tools: GraphTools, workspace_id: int, logged: list[LoggedEvent], runtime: Runtime[Any]
) -> list[Read]:
    """Read events as they were read when they came: under the policies of then, so that their subject stays."""
    rules = await told.rules_of(tx, workspace_id, [one.event_id for one in logged])
    present = await tools.present_policies(tx, workspace_id)
    by_version = {
        version: await tools.policies_of_version(tx, workspace_id, version)
        for version in set(rules.values()) - {present.version}
    } | {present.version: present}
    return [
        read_call(one, by_version[rules.get(one.event_id, present.version)], tools, runtime.directory.source)
        for one in logged
    ]


async def _events(tx: Tx, tools: GraphTools, workspace_id: int, read: list[Read]) -> list[EventRecorded]:
    wanted = {
        (workspace_id, tools.lookup(workspace_id, identifier)) for one in read for identifier in one.reading.identifiers
    }
    found = await nodes.find(tx, wanted) if wanted else {}

    def number(identifier: object) -> tuple[int, int]:
        return found.get((workspace_id, tools.lookup(workspace_id, identifier)), (0, 0))  # type: ignore[arg-type]

    subjects = [number(chosen) if (chosen := chosen_subject(one)) is not None else (0, 0) for one in read]
    timed = await nodes.timed_among(tx, {key(workspace_id, subject_no) for subject_no, _ in subjects if subject_no})
    then = await owners_then(
        tx,
        {
            (place, one.call.event_time)
            for one, (subject_no, _) in zip(read, subjects, strict=True)
            if (place := key(workspace_id, subject_no)) in timed
        },
    )
    subjects = [
        (subject_no, number_of(then.get((key(workspace_id, subject_no), one.call.event_time), person_no)))
        for one, (subject_no, person_no) in zip(read, subjects, strict=True)
    ]
    owners = {key(workspace_id, person_no) for _, person_no in subjects if person_no}
    ids = await tools.person_ids(tx, owners)
    sealer, overrides = tools.sealer(workspace_id), tools.personal_names(workspace_id)
    return [
        record_event(
            one.call,
            person_no=person_no,
            person_id=ids.get(key(workspace_id, person_no)),
            subject_no=subject_no,
            # who was erased since has no number any more
            identifier_nos=[no for identifier in one.reading.identifiers if (no := number(identifier)[0])],
            authenticated=one.reading.authenticated,
            sealer=sealer,
            overrides=overrides,
        )
        for one, (subject_no, person_no) in zip(read, subjects, strict=True)
    ]


telling = Telling(EventRecorded, _part, told.told_days)
