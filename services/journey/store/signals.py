"""What was heard of persons, and the outcomes of messages."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from libs.common.personal import Sealer, merge_personal
from services.journey.domain.signal import Signal, message_signal


class Sighting(NamedTuple):
    """A signal as it arrived: about a person, with its properties still as JSON text."""

    workspace_id: int
    person_no: int
    person_id: UUID
    subject_no: int
    name: str
    at: datetime
    event_id: UUID
    received_at: datetime
    properties: str | None = None
    sealed: str | None = None
    zone: str | None = None
    may_enter: bool = True
    cause: str | None = None


class OutcomeRow(NamedTuple):
    """What became of a message a run asked for."""

    workspace_id: int
    run_id: UUID
    event_id: UUID
    node: str
    visit: int
    state: str
    reason: str
    channel: str
    at: datetime


_REMEMBER = load_sql(__file__, "remember_signals.sql")
_RECALL = load_sql(__file__, "recall_signals.sql")
_ADD_OUTCOMES = statement("""
    insert into message_outcome (workspace_id, run_id, event_id, node, visit, state, reason, channel, at)
    select o.* from unnest(
        :workspace_ids::int[], :run_ids::uuid[], :event_ids::uuid[], :nodes::text[], :visits::int[], :states::text[],
        :reasons::text[], :channels::text[], :ats::timestamptz[]
    ) o
    on conflict do nothing
""")
_OUTCOMES = statement("""
    select o.run_id, o.event_id, o.node, o.visit, o.state, o.reason, o.at
    from unnest(:run_ids::uuid[]) as k(run_id)
    join message_outcome o using (run_id)
""")
_FORGET = statement("""
    delete from heard h
    where h.workspace_id = any(:workspace_ids) and h.heard_at < clock_timestamp() - :horizon::interval
      and not exists (
          select from run r
          where r.workspace_id = h.workspace_id and r.person_no = h.person_no and r.live and r.entry_time <= h.at
      )
""")


def read_properties(plain: str | None, sealed: str | None, sealer: Sealer) -> Mapping[str, Any]:
    """Return an event's properties, the personal ones among them."""
    properties: dict[str, Any] = msgspec.json.decode(plain) if plain else {}
    if sealed is None:
        return properties
    opened = sealer.open_json(sealed)
    return merge_personal(properties, opened.get("properties", {}))


async def remember_signals(tx: Tx, sightings: Sequence[Sighting]) -> None:
    """Keep signals for the runs that are or will be."""
    await tx.execute(
        _REMEMBER,
        workspace_ids=[s.workspace_id for s in sightings],
        person_nos=[s.person_no for s in sightings],
        ats=[s.at for s in sightings],
        event_ids=[s.event_id for s in sightings],
        subject_nos=[s.subject_no for s in sightings],
        names=[s.name for s in sightings],
        properties=[s.properties for s in sightings],
        sealed=[s.sealed for s in sightings],
    )


class Listening(NamedTuple):
    """A run that wants to know what was heard since it began."""

    run_id: UUID
    workspace_id: int
    person_no: int
    since: datetime
    entry_event: UUID | None


async def recall_signals(
    tx: Tx, runs: Sequence[Listening], *, names: Collection[str], sealers: Mapping[int, Sealer]
) -> dict[UUID, list[Signal]]:
    """Return what was heard, by run; the event that began a run is not among it."""
    if not runs or not names:
        return {}
    columns = list(zip(*runs, strict=True))
    rows = await tx.fetch(
        _RECALL, run_ids=columns[0], workspace_ids=columns[1], person_nos=columns[2], since=columns[3],
        entry_events=columns[4], names=list(names),
    )  # fmt: skip
    workspaces = {run.run_id: run.workspace_id for run in runs}
    found: dict[UUID, list[Signal]] = {}
    for run_id, event_id, name, at, properties, sealed in rows:
        values = read_properties(properties, sealed, sealers[workspaces[run_id]])
        found.setdefault(run_id, []).append(Signal(id=event_id, name=name, at=at, properties=values))
    return found


async def add_outcomes(tx: Tx, outcomes: Sequence[OutcomeRow]) -> None:
    """Keep what became of messages."""
    names = ("workspace_ids", "run_ids", "event_ids", "nodes", "visits", "states", "reasons", "channels", "ats")
    await tx.execute(_ADD_OUTCOMES, **dict(zip(names, zip(*outcomes, strict=True), strict=True)))


async def recall_outcomes(tx: Tx, run_ids: Sequence[UUID]) -> dict[UUID, list[Signal]]:
    """Return the outcomes of the messages of some runs as signals, by run."""
    if not run_ids:
        return {}
    found: dict[UUID, list[Signal]] = {}
    for run_id, event_id, node, visit, state, reason, at in await tx.fetch(_OUTCOMES, run_ids=run_ids):
        values = {"state": state, "reason": reason}
        signal = Signal(id=event_id, name=message_signal(node, visit), at=at, properties=values)
        found.setdefault(run_id, []).append(signal)
    return found


async def forget_signals(tx: Tx, *, horizon_seconds: float) -> int:
    """Forget what no live run can ask for and nobody who enters late will; return how many."""
    return await tx.execute(_FORGET, workspace_ids=list(tx.workspaces), horizon=timedelta(seconds=horizon_seconds))
