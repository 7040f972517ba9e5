"""Cases 24 and 25: persons merge in chains, and any link of a chain is undone."""

import random
from typing import Any

import pytest

from libs.common.contracts.event import Event
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.db import Tx, statement
from services.journey.subscribers import on_person_merged, on_person_split
from tests.journey.stage import Stage, named

GO = {"on": "event", "event": "go"}
JOURNEY: dict[str, Any] = {"entry": GO, "nodes": [{"id": "w", "type": "wait", "for": "P1D"}], "concurrent": True}
SUBJECTS = {"ann": 1, "bob": 2, "cid": 3, "dan": 4}
_BY_HAND = statement("update run set subject_no = 0 where workspace_id = 1")


async def entered(stage: Stage, *, by_hand: bool = False) -> str:
    """Let everybody enter, each by an identifier of his own or by a call that names none."""
    journey = await stage.journey({**JOURNEY, "re_entry": "always"})
    await stage.say(*(stage.event(name, "go", subject_no=subject) for name, subject in SUBJECTS.items()))
    if by_hand:
        async with stage.app.runtime.worker_database.transaction(1) as tx:
            await tx.execute(_BY_HAND)
    return journey


async def owners(stage: Stage, journey: str) -> dict[str, str]:
    """Return whose each one's run is, by the order in which they entered."""
    names = {str(named("person", name)): name for name in SUBJECTS}
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        entries = await tx.driver.fetch("select run_id::text, entered_as from run")
    numbers = {stage.person(name): name for name in SUBJECTS}
    by_run = {row["run_id"]: numbers[row["entered_as"]] for row in entries}
    return {by_run[run["id"]]: names[run["person_id"]] for run in await stage.runs(journey)}


@pytest.mark.parametrize("by_hand", [False, True], ids=["by an identifier", "by hand"])
async def test_case_25_a_chain_undone_in_the_middle_gives_the_middle_all_that_had_come_to_it(
    stage: Stage, *, by_hand: bool
) -> None:
    journey = await entered(stage, by_hand=by_hand)
    await stage.say(stage.merged("bob", "ann", version=1))
    await stage.say(stage.merged("cid", "bob", version=2))
    assert await owners(stage, journey) == {"ann": "cid", "bob": "cid", "cid": "cid", "dan": "dan"}
    late, later = stage.event("ann", "go", subject_no=1), stage.event("ann", "go", subject_no=9)
    await stage.say(stage.split("cid", {"bob": [1, 2]}, version=3))
    assert await owners(stage, journey) == {"ann": "bob", "bob": "bob", "cid": "cid", "dan": "dan"}
    await stage.say(late, later)
    assert [run["person_id"] for run in await stage.runs(journey)].count(str(named("person", "bob"))) == 4
    await stage.say(stage.split("bob", {"ann": [1]}, version=4))
    assert (await owners(stage, journey))["bob"] == "bob"


@pytest.mark.parametrize("by_hand", [False, True], ids=["by an identifier", "by hand"])
async def test_case_25_the_first_link_of_a_chain_undone_gives_him_his_run_and_leaves_the_rest(
    stage: Stage, *, by_hand: bool
) -> None:
    journey = await entered(stage, by_hand=by_hand)
    await stage.say(stage.merged("bob", "ann", version=1))
    await stage.say(stage.merged("cid", "bob", version=2))
    await stage.say(stage.split("cid", {"ann": [1]}, version=3))
    assert await owners(stage, journey) == {"ann": "ann", "bob": "cid", "cid": "cid", "dan": "dan"}
    await stage.say(stage.merged("dan", "cid", version=4))
    assert await owners(stage, journey) == {"ann": "ann", "bob": "dan", "cid": "dan", "dan": "dan"}


async def test_case_25_a_link_undone_before_the_next_merge_is_heard_is_undone(stage: Stage) -> None:
    journey = await entered(stage)
    await stage.say(stage.merged("bob", "ann", version=1))
    await stage.say(stage.split("cid", {"ann": [1]}, version=3))
    await stage.say(stage.merged("cid", "bob", version=2))
    assert await owners(stage, journey) == {"ann": "ann", "bob": "cid", "cid": "cid", "dan": "dan"}


@pytest.mark.parametrize("late", [False, True], ids=["in order", "heard before the merge"])
async def test_case_25_who_is_back_by_a_device_alone_has_his_run_again(stage: Stage, *, late: bool) -> None:
    journey = await entered(stage)
    news = [stage.merged("bob", "ann", version=1), back(stage, "ann", 2)]
    for event in reversed(news) if late else news:
        await stage.say(event)
    assert (await owners(stage, journey))["ann"] == "ann"
    await stage.say(back(stage, "ann", 2))
    await stage.say(stage.merged("bob", "ann", version=3))
    assert (await owners(stage, journey))["ann"] == "bob"


async def test_who_is_told_of_as_alive_and_was_never_merged_leaves_no_row(stage: Stage) -> None:
    await entered(stage)
    await stage.say(back(stage, "ann", 2, revived=False))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        assert await tx.driver.fetchval("select count(*) from redirect") == 0
    await stage.say(stage.merged("bob", "ann", version=1))
    await stage.say(back(stage, "ann", 2, revived=False))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        row = await tx.driver.fetchrow("select person_no, to_person_no from redirect where graph_version = 2")
    assert tuple(row or ()) == (stage.person("ann"), stage.person("ann")), "an owner who tells it again is heard"


async def test_a_row_that_says_where_the_way_ended_is_a_link_once_the_merge_is_told_again(stage: Stage) -> None:
    journey = await entered(stage)
    first = stage.merged("bob", "ann", version=1)
    await stage.say(first, stage.merged("cid", "bob", version=2))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        # as an older release left it
        await tx.driver.execute(
            "update redirect set to_person_no = $1, to_person_id = $2 where person_no = $3",
            stage.person("cid"), named("person", "cid"), stage.person("ann"),
        )  # fmt: skip
        await hear(tx, stage, first)
    await stage.say(stage.split("cid", {"bob": [1, 2]}, version=3))
    assert await owners(stage, journey) == {"ann": "bob", "bob": "bob", "cid": "cid", "dan": "dan"}


def back(stage: Stage, name: str, version: int, *, revived: bool = True) -> PersonCreated:
    return PersonCreated(
        workspace_id=1, person_no=stage.person(name), person_id=named("person", name), received_at=stage.now,
        occurred_at=stage.now, graph_version=version, revived=revived,
    )  # fmt: skip


def a_story(stage: Stage, chance: random.Random) -> tuple[list[Event], dict[str, str]]:
    """Return merges and undone ones as the graph tells them, and whose each one's run is at the end: by plain bags."""
    inside: dict[str, set[str]] = {name: set() for name in SUBJECTS}  # who ended in whom, directly
    living, told = set(SUBJECTS), list[Event]()

    def all_in(name: str) -> set[str]:
        return {name}.union(*(all_in(one) for one in inside[name]))

    for version in range(1, chance.randint(4, 9)):
        ended = sorted(set(SUBJECTS) - living)
        if ended and (len(living) == 1 or chance.random() < 0.4):
            back = chance.choice(ended)
            outer = next(name for name in SUBJECTS if back in inside[name])
            left = next(name for name in living if back in all_in(name))
            inside[outer].discard(back)
            living.add(back)
            told.append(stage.split(left, {back: [SUBJECTS[one] for one in sorted(all_in(back))]}, version=version))
        else:
            survivor, absorbed = chance.sample(sorted(living), 2)
            inside[survivor].add(absorbed)
            living.discard(absorbed)
            told.append(stage.merged(survivor, absorbed, version=version))
    return told, {one: name for name in living for one in all_in(name)}


async def hear(tx: Tx, stage: Stage, event: Event) -> None:
    handler = on_person_merged if isinstance(event, PersonMerged) else on_person_split
    await handler.handle(tx, [event], stage.app.runtime)  # type: ignore[list-item]


@pytest.mark.parametrize("seed", range(12))
async def test_case_25_news_of_chains_in_any_order_and_repeated_end_the_same(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    journey = await entered(stage, by_hand=bool(seed % 2))
    for _ in range(4):
        told, expected = a_story(stage, chance)
        shuffled = [*told, *chance.sample(told, len(told) // 2)]
        chance.shuffle(shuffled)
        async with stage.app.runtime.worker_database.transaction(1) as tx:
            for event in shuffled:
                await hear(tx, stage, event)
            rows = await tx.driver.fetch("select entered_as, person_no from run")
            numbers = {stage.person(name): name for name in SUBJECTS}
            assert {numbers[r["entered_as"]]: numbers[r["person_no"]] for r in rows} == expected, told
            # the next story begins where this one did
            await tx.driver.execute("update run set person_no = entered_as")
            await tx.driver.execute("delete from redirect")
            await tx.driver.execute("delete from subject_owner")
    assert len(await stage.runs(journey)) == len(SUBJECTS)
