"""Something happened to persons: bring in whom it brings in, wake the runs it may move, count the goals it reaches."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.journey.store.persons import PersonKey, Present, lock_persons, resolve_persons
from services.journey.store.runs import PersonInJourney, lock_live_runs, wake_runs
from services.journey.store.signals import Sighting, remember_signals
from services.journey.store.triggers import ANYWHERE, Triggers
from services.journey.usecases.convert_ended_runs import convert_ended_runs
from services.journey.usecases.enter_journeys import enter_journeys


@dataclass(frozen=True)
class Surroundings:
    """What a batch of signals is read against, by workspace: triggers, the present, the codec of personal data."""

    triggers: Mapping[int, Triggers]
    now: Mapping[int, datetime]
    sealers: Mapping[int, Sealer]


async def hear_signals(tx: Tx, sightings: Sequence[Sighting], *, around: Surroundings) -> int:
    """Take in what some journey listens to, and return how many runs are to be looked at now."""
    known = [s for s in sightings if around.triggers[s.workspace_id].knows(s.name)]
    if not known:
        return 0
    known = [s for s in await _as_present_persons(tx, known) if s.person_no]
    remembered = [s for s in known if s.name in around.triggers[s.workspace_id].listeners]
    if remembered:
        await remember_signals(tx, remembered)
    started = await enter_journeys(
        tx, [s for s in known if s.may_enter], triggers=around.triggers, now=around.now, sealers=around.sealers
    )
    woken = await _wake_listeners(tx, remembered, around)
    await convert_ended_runs(tx, remembered, triggers=around.triggers, now=around.now, sealers=around.sealers)
    return started + woken


async def _as_present_persons(tx: Tx, sightings: list[Sighting]) -> list[Sighting]:
    """Follow merges and splits and lock the persons: under their locks nobody is found anew.

    Whom a batch finds only under its locks (it waited for his merge) would be locked out of order, and two such
    batches wait for each other: all are let go then and locked anew, in order.
    """
    wanted = _persons_of(sightings)
    while True:
        with suppress(_FoundAnew):
            async with tx.savepoint():
                await lock_persons(tx, wanted)
                present, passed = await _followed(tx, sightings)
                if not passed <= wanted:
                    wanted |= passed
                    raise _FoundAnew
                return present


class _FoundAnew(Exception):
    """Others than those who are locked are the persons now."""


def _persons_of(sightings: Iterable[Sighting]) -> set[tuple[int, int]]:
    return {(s.workspace_id, s.person_no) for s in sightings}


async def _followed(tx: Tx, sightings: list[Sighting]) -> tuple[list[Sighting], set[tuple[int, int]]]:
    """Return whose the sightings are now, and all persons they passed through on the way there."""
    passed = _persons_of(sightings)
    while True:
        keys = {PersonKey(s.workspace_id, s.person_no, s.subject_no) for s in sightings}
        present = await resolve_persons(tx, list(keys))
        sightings = [_moved(s, present) for s in sightings]
        found = _persons_of(sightings)
        if found <= passed:
            return sightings, passed
        passed |= found


def _moved(sighting: Sighting, present: Mapping[PersonKey, Present]) -> Sighting:
    found = present.get(PersonKey(sighting.workspace_id, sighting.person_no, sighting.subject_no))
    if found is None:
        return sighting
    return sighting._replace(person_no=found.person_no, person_id=found.person_id or sighting.person_id)


async def _wake_listeners(tx: Tx, sightings: Iterable[Sighting], around: Surroundings) -> int:
    nodes: dict[PersonInJourney, set[str]] = {}
    for sighting in sightings:
        for journey_id, places in around.triggers[sighting.workspace_id].listeners[sighting.name].items():
            key = PersonInJourney(sighting.workspace_id, sighting.person_no, journey_id)
            nodes.setdefault(key, set()).update(places)
    runs = await lock_live_runs(tx, sorted(nodes))
    concerned: list[tuple[UUID, datetime]] = []
    for run in runs:
        places = nodes[PersonInJourney(run.workspace_id, run.person_no, run.journey_id)]
        if ANYWHERE in places or run.node in places:
            concerned.append((run.run_id, around.now[run.workspace_id]))
    return await wake_runs(tx, concerned)
