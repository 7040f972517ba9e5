"""Builders of the events this service hears, and a dump of the tables it keeps."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.common.bus import Bus
from libs.common.bus.port import COUNT_HEADER, WORKSPACE_HEADER, Outgoing, Published
from libs.common.contracts.event import Event
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.contracts.identity.person_split import Part, PersonSplit
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.outbox.rows import group
from libs.common.personal import Sealer
from services.profile.usecases.means import Means

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SEALER = Sealer({1: b"k" * 32})
RANKS = {1: 10, 2: 20}
REGIONS = {1: "CN", 2: "CN"}


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after the start."""
    return START + timedelta(minutes=minutes)


def person_id(person_no: int) -> UUID:
    """Return the id of a person in these tests."""
    return UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + person_no)


def some_means(now: datetime | None = None) -> Means:
    """Return means that need no running service."""
    return Means(lambda _: SEALER, lambda _: RANKS, lambda _: now or at(10_000), lambda _: REGIONS)


def an_event(
    person_no: int,
    subject_no: int,
    *,
    workspace_id: int = 1,
    minute: float = 0,
    received: float | None = None,
    kind: str = "track",
    name: str | None = None,
    traits: dict[str, Any] | None = None,
    personal: dict[str, Any] | None = None,
    properties: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    source_id: int = 1,
    sealer: Sealer = SEALER,
    **more: Any,
) -> EventRecorded:
    """Return a recorded event of a person by an identifier; `personal` are traits that travel sealed."""
    sealed = sealer.seal_json({"properties": {}, "traits": personal, "context": {}}) if personal else None
    return EventRecorded(
        workspace_id=workspace_id,
        person_no=person_no,
        person_id=person_id(person_no),
        subject_no=subject_no,
        identifier_nos=(subject_no,),
        kind=kind,  # type: ignore[arg-type]
        name=name or ("Seen" if kind == "track" else f"${kind}"),
        source_id=source_id,
        message_id=str(new_id()),
        occurred_at=at(minute),
        received_at=at(minute if received is None else received),
        traits=msgspec.Raw(msgspec.json.encode(traits or {})),
        properties=msgspec.Raw(msgspec.json.encode(properties or {})),
        context=msgspec.Raw(msgspec.json.encode(context or {})),
        sealed=sealed,
        **more,
    )


def identify(person_no: int, subject_no: int, **more: Any) -> EventRecorded:
    """Return an identify call."""
    return an_event(person_no, subject_no, kind="identify", **more)


def owns(
    person_no: int,
    subject_no: int,
    version: int = 1,
    *,
    workspace_id: int = 1,
    since: float | None = None,
    until: float | None = None,
    received: float = 0,
    namespace: str = "user_id",
    scope: str = "main",
    value: str | None = None,
    sealer: Sealer = SEALER,
) -> OwnershipChanged:
    """Return identity's word that an identifier belongs to a person."""
    clear = value or f"{namespace}-{subject_no}"
    return OwnershipChanged(
        workspace_id=workspace_id,
        person_no=person_no,
        person_id=person_id(person_no),
        subject_no=subject_no,
        version=version,
        namespace=namespace,
        scope=scope,
        sealed_value=base64.b64encode(sealer.seal(clear.encode())).decode(),
        since=None if since is None else at(since),
        until=None if until is None else at(until),
        received_at=at(received),
        occurred_at=at(received),
    )


def merged(winner: int, loser: int, graph_version: int, *, workspace_id: int = 1) -> PersonMerged:
    """Return identity's word that two persons are one."""
    return PersonMerged(
        workspace_id=workspace_id, person_no=winner, person_id=person_id(winner), graph_version=graph_version,
        absorbed=(Absorbed(loser, person_id(loser)),), received_at=at(0), occurred_at=at(0),
    )  # fmt: skip


def split(stays: int, leaves: int, graph_version: int, *, workspace_id: int = 1) -> PersonSplit:
    """Return identity's word that they are two after all."""
    return PersonSplit(
        workspace_id=workspace_id, person_no=stays, person_id=person_id(stays), graph_version=graph_version,
        parts=(Part(leaves, person_id(leaves), (), revived=True),), received_at=at(0), occurred_at=at(0),
    )  # fmt: skip


def erased(person_no: int, subject_nos: tuple[int, ...], *, workspace_id: int = 1) -> PersonErased:
    """Return identity's word that a person is to be forgotten."""
    return PersonErased(
        workspace_id=workspace_id, person_no=person_no, person_id=person_id(person_no), subject_nos=subject_nos,
        erasure_id=new_id(), graph_version=99, received_at=at(0), occurred_at=at(0),
    )  # fmt: skip


def progressed(
    person_no: int, state: str, *, workspace_id: int = 1, minute: float = 0, channel: str = "email", **more: Any
) -> MessageProgressed:
    """Return what became of a message to a person."""
    return MessageProgressed(
        workspace_id=workspace_id, person_no=person_no, message_id=new_id(), state=state, channel=channel,
        received_at=at(minute), occurred_at=at(minute), **more,
    )  # fmt: skip


COMPARED = {
    "person": "person_no, state, redirect_to, graph_version",
    "subject": "*",
    "ownership_fact": "*",
    "ownership": "*",
    "trait_fact": "*",
    "trait_view": "*, value::text as value",
    "contact_point": "*",
    "contact_report": "*",
    "phone": "*",
    "timeline": "*",
    "consent_ledger": "*",
    "consent_state": "*",
    "contact_state": "*",
    "tag_fact": "*",
    "tag_view": "*",
    "permission": "*",
}
_COUNTERS = {"version", "received_at", "sealed_value", "workspace_id"}


async def dump(tx: Tx, workspace_id: int) -> dict[str, list[str]]:
    """Return every table of a workspace in clear, without counters, watermarks and the number of the workspace."""
    tables: dict[str, list[str]] = {}
    for table, what in COMPARED.items():
        records = await tx.driver.fetch(f"select {what} from {table} where workspace_id = $1", workspace_id)
        tables[table] = sorted(_clear(table, dict(record)) for record in records)
    return tables


def _clear(table: str, row: dict[str, Any]) -> str:
    kept = {name: value for name, value in row.items() if name not in _COUNTERS}
    if table in ("ownership_fact", "trait_fact", "timeline", "consent_ledger"):
        kept = {name: value for name, value in row.items() if name != "workspace_id"}
    if kept.get("sealed") is not None:
        kept["sealed"] = SEALER.open(kept["sealed"])
    return json.dumps({name: repr(value) for name, value in kept.items()}, sort_keys=True)


async def publish(bus: Bus, *events: Event) -> None:
    """Put events on the bus as their owner's relay would."""
    messages = [
        Outgoing(
            subject=f"{row.subject}.{row.pp}",
            payload=row.payload,
            message_id=str(new_id()),
            headers={WORKSPACE_HEADER: str(row.workspace_id), COUNT_HEADER: str(len(row.lines))},
        )
        for row in group(list(events))
    ]
    for owner in ("identity", "messaging", "journey"):
        await bus.ensure_stream(owner)
    answers = await bus.publish(messages)
    assert all(isinstance(answer, Published) for answer in answers)
