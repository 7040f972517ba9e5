"""A goal reached within its window counts, also when the run is over."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.db import Tx
from libs.common.personal import Sealer
from services.journey.domain.signal import Signal, earliest
from services.journey.store.conversions import OpenGoal, convert, lock_open_goals
from services.journey.store.runs import PersonInJourney
from services.journey.store.signals import Sighting, read_properties
from services.journey.store.triggers import Triggers


async def convert_ended_runs(
    tx: Tx,
    sightings: Sequence[Sighting],
    *,
    triggers: Mapping[int, Triggers],
    now: Mapping[int, datetime],
    sealers: Mapping[int, Sealer],
) -> int:
    """Mark the ended runs whose goal these signals reach, and return how many."""
    concerned = {
        PersonInJourney(s.workspace_id, s.person_no, journey_id)
        for s in sightings
        for journey_id in triggers[s.workspace_id].goals.get(s.name, ())
    }
    runs = await lock_open_goals(tx, sorted(concerned))
    if not runs:
        return 0
    heard: dict[tuple[int, int], list[Signal]] = {}
    for s in sightings:
        values = read_properties(s.properties, s.sealed, sealers[s.workspace_id])
        signal = Signal(id=s.event_id, name=s.name, at=s.at, properties=values)
        heard.setdefault((s.workspace_id, s.person_no), []).append(signal)
    reached: list[tuple[OpenGoal, datetime]] = []
    for run in runs:
        at = _reached_at(run, heard[run.workspace_id, run.person_no], triggers, sealers)
        if at is not None:
            reached.append((run, at))
    if reached:
        await convert(tx, reached)
        await outbox.add(tx, [_event(run, at, now[run.workspace_id]) for run, at in reached])
    return len(reached)


def _reached_at(
    run: OpenGoal, heard: list[Signal], triggers: Mapping[int, Triggers], sealers: Mapping[int, Sealer]
) -> datetime | None:
    goal = triggers[run.workspace_id].goal_of(run.journey_id, run.version)
    if goal is None:
        return None
    within = [s for s in heard if run.entry_time <= s.at < run.goal_until and s.id != run.entry_event_id]
    if not within:
        return None
    entry = read_properties(run.context, run.sealed, sealers[run.workspace_id])
    first = earliest((goal,), within, entry)
    return first[1].at if first else None


def _event(run: OpenGoal, at: datetime, now: datetime) -> RunProgressed:
    return RunProgressed(
        workspace_id=run.workspace_id,
        person_no=run.person_no,
        received_at=now,
        occurred_at=at,
        run_id=run.run_id,
        journey_id=run.journey_id,
        journey_version=run.version,
        person_id=run.person_id,
        state="completed" if run.state == "completed" else "exited",
        sequence=run.sequence + 1,
        node=run.node,
        reason=run.reason or "",
        arm=run.arm,
        converted=True,
    )
