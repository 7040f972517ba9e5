"""Several workers at once: whoever comes first, the rows are those of one worker."""

import asyncio
import random

import asyncpg
import pytest

from tests.profile.saying import an_event, dump, identify, merged, owns, progressed
from tests.profile.usecases.test_any_order_gives_the_same_tables import (
    cut,
    hear,
    play,
    published_is_what_is_kept,
    workspaces,
)


def a_scene(rng: random.Random) -> list:
    said: list = []
    for number in range(40):
        person, subject, minute = rng.randint(1, 3), rng.randint(1, 6), rng.randint(0, 9)
        kind = number % 5
        if kind < 2:
            said.append(identify(person, subject, minute=minute, traits={"tier": rng.choice("abc"), "n": number}))
        elif kind == 2:
            said.append(owns(person, subject, number, since=rng.choice([None, minute]), received=minute))
        elif kind == 3:
            word = rng.choice(["Consent Granted", "Consent Withdrawn"])
            said.append(an_event(person, subject, minute=minute, name=word, authenticated=rng.random() < 0.5))
        else:
            said.append(progressed(person, rng.choice(["sent", "bounced", "unsubscribed"]), minute=minute))
    return [*said, merged(1, 2, 1)]


async def insist(database, workspace_id: int, batch: list) -> None:
    """Apply a batch as the consumer loop would: a deadlock's victim comes again."""
    for _ in range(50):
        try:
            async with database.worker.transaction(workspace_id) as tx:
                await hear(tx, workspace_id, batch)
        except asyncpg.DeadlockDetectedError:
            continue
        return
    raise AssertionError("never applied")


@pytest.mark.parametrize("seed", range(3))
async def test_racing_workers_end_in_the_rows_of_one(profile_database, seed):
    rng = random.Random(seed)
    scene = a_scene(rng)
    straight = await play(profile_database, [[event] for event in scene])
    shuffled = [*scene, *rng.sample(scene, 20)]
    rng.shuffle(shuffled)
    batches = cut(sorted(shuffled, key=lambda event: type(event).__name__), rng)
    rng.shuffle(batches)
    workspace_id = next(workspaces)
    await asyncio.gather(*(insist(profile_database, workspace_id, batch) for batch in batches))
    async with profile_database.worker.transaction(workspace_id) as tx:
        await published_is_what_is_kept(tx)
        assert await dump(tx, workspace_id) == straight


async def all_at_once(database, workspace_id: int, events: list) -> None:
    await asyncio.gather(*(insist(database, workspace_id, [event]) for event in events))


async def test_facts_by_different_identifiers_of_one_person_do_not_overwrite_each_other(profile_database):
    workspace_id = next(workspaces)
    identifiers = range(1, 41)
    for subject in identifiers:
        await insist(profile_database, workspace_id, [owns(1, subject)])
    events = [identify(1, subject, minute=subject, traits={"tier": subject}) for subject in identifiers]
    random.Random(1).shuffle(events)
    await all_at_once(profile_database, workspace_id, events)
    async with profile_database.worker.transaction(workspace_id) as tx:
        assert await tx.driver.fetchval("select value::int from trait_view where trait = 'tier'") == 40


async def test_a_fact_that_meets_a_move_of_its_identifier_ends_with_the_new_owner(profile_database):
    workspace_id = next(workspaces)
    identifiers = range(1, 21)
    for subject in identifiers:
        await insist(profile_database, workspace_id, [owns(1, subject)])
    facts = [identify(1, subject, traits={f"t{subject}": "x"}) for subject in identifiers]
    moves = [owns(100 + subject, subject, 2) for subject in identifiers]
    pairs = [event for pair in zip(facts, moves, strict=True) for event in pair]
    await all_at_once(profile_database, workspace_id, pairs)
    async with profile_database.worker.transaction(workspace_id) as tx:
        found = await tx.driver.fetch("select person_no, trait from trait_view where value is not null order by 1")
        assert [tuple(row) for row in found] == [(100 + subject, f"t{subject}") for subject in identifiers]
