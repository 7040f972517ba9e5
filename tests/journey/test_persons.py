"""Persons merge, split and are erased while they are inside."""

import asyncio
from datetime import timedelta
from typing import Any

from libs.common.db import statement
from libs.common.ids import partition
from services.journey.store.persons import LOCK_SPACE, lock_persons
from services.journey.subscribers import on_event_recorded
from tests.journey.stage import Stage, named

GO = {"on": "event", "event": "go"}
NODES = [{"id": "w", "type": "wait", "for": "P1D"}, {"id": "hello", "type": "send", "channel": "email"}]
JOURNEY: dict[str, Any] = {"entry": GO, "nodes": NODES}
_WAITING = statement(
    "select count(*) from pg_locks where locktype = 'advisory' and classid = :space::int::oid and not granted"
)


async def test_case_24_a_merge_moves_the_run_and_keeps_its_wait(stage: Stage) -> None:
    journey = await stage.journey(JOURNEY)
    await stage.say(stage.event("anonymous", "go"))
    before = (await stage.runs(journey))[0]["due_at"]
    await stage.say(stage.merged("ann", "anonymous"))
    [run] = await stage.runs(journey)
    assert (run["person_id"], run["due_at"]) == (str(named("person", "ann")), before)
    await stage.advance(days=2)
    [intent] = await stage.read_outbox()
    assert (intent.person_id, intent.person_no) == (named("person", "ann"), stage.person("ann"))


async def test_a_request_says_how_its_run_was_entered_whoever_he_is_by_then(stage: Stage) -> None:
    await stage.journey({**JOURNEY, "nodes": NODES[1:]})
    await stage.journey(JOURNEY)
    await stage.say(stage.event("anonymous", "go", subject_no=77))
    await stage.say(stage.merged("ann", "anonymous"))
    await stage.advance(days=2)
    requests = await stage.read_outbox()
    assert [one.person_no for one in requests] == [stage.person("anonymous"), stage.person("ann")]
    assert {(one.entered_as, one.subject_no) for one in requests} == {(stage.person("anonymous"), 77)}


async def test_case_24_of_two_runs_that_become_one_persons_the_earlier_entry_stays(stage: Stage) -> None:
    journey = await stage.journey(JOURNEY)
    await stage.say(stage.event("anonymous", "go"))
    await stage.advance(hours=1)
    await stage.say(stage.event("ann", "go"))
    await stage.say(stage.merged("ann", "anonymous"))
    first, second = await stage.runs(journey)
    assert (first["state"], second["state"], second["reason"]) == ("waiting", "exited", "merged")
    assert first["person_id"] == str(named("person", "ann"))
    await stage.advance(days=2)
    assert len(await stage.read_outbox()) == 1
    assert [p.reason for p in stage.progressed if p.state == "exited"] == ["merged"]


async def test_runs_with_different_keys_both_go_on(stage: Stage) -> None:
    journey = await stage.journey({**JOURNEY, "entry_key": ["person", "cart"]})
    await stage.say(
        stage.event("anonymous", "go", properties={"cart": 1}), stage.event("ann", "go", properties={"cart": 2})
    )
    await stage.say(stage.merged("ann", "anonymous"))
    assert [run["state"] for run in await stage.runs(journey)] == ["waiting", "waiting"]


async def test_case_24_nobody_enters_again_because_of_a_merge(stage: Stage) -> None:
    journey = await stage.journey(JOURNEY)
    await stage.say(stage.event("anonymous", "go"))
    await stage.advance(days=2)
    await stage.say(stage.merged("ann", "anonymous"))
    await stage.say(stage.event("ann", "go"))
    assert len(await stage.runs(journey)) == 1


async def test_an_event_recorded_before_a_merge_and_heard_after_it_is_the_survivors(stage: Stage) -> None:
    journey = await stage.journey({**JOURNEY, "exit_rules": [{"event": "paid"}]})
    await stage.say(stage.event("ann", "go"))
    late = stage.event("anonymous", "paid", at=stage.now + timedelta(minutes=1))
    entering = stage.event("anonymous", "go")
    await stage.say(stage.merged("ann", "anonymous"))
    await stage.say(entering)
    assert len(await stage.runs(journey)) == 1
    await stage.say(late)
    assert [run["reason"] for run in await stage.runs(journey)] == ["exit_rule"]


async def test_who_turns_out_to_be_another_under_his_lock_is_let_go_until_that_one_is_free(stage: Stage) -> None:
    journey = await stage.journey(JOURNEY)
    names = sorted((f"somebody {number}" for number in range(40)), key=lambda name: partition(1, stage.person(name)))
    survivor, absorbed = names[0], names[-1]
    assert partition(1, stage.person(survivor)) < partition(1, stage.person(absorbed))
    late = stage.event(absorbed, "go")
    await stage.say(stage.merged(survivor, absorbed))
    runtime = stage.app.runtime

    async def hear() -> None:
        async with runtime.worker_database.transaction(1) as tx:
            await on_event_recorded.handle(tx, [late], runtime)

    async with runtime.worker_database.transaction(1) as holder:
        await lock_persons(holder, [(1, stage.person(survivor))])
        hearing = asyncio.create_task(hear())
        async with runtime.worker_database.transaction(1) as other:
            while not await other.fetch_value(_WAITING, space=LOCK_SPACE):
                await asyncio.sleep(0.01)
            # locks are taken in one order: who waits for the first holds none that comes after it
            await asyncio.wait_for(lock_persons(other, [(1, stage.person(absorbed))]), 60)
    await hearing
    assert [run["person_id"] for run in await stage.runs(journey)] == [str(named("person", survivor))]


async def test_an_exit_event_of_the_other_side_ends_the_run_when_they_are_one(stage: Stage) -> None:
    journey = await stage.journey({**JOURNEY, "exit_rules": [{"event": "paid"}]})
    await stage.say(stage.event("anonymous", "go"))
    await stage.say(stage.event("ann", "paid", at=stage.now + timedelta(minutes=1)))
    assert [run["state"] for run in await stage.runs(journey)] == ["waiting"]
    await stage.say(stage.merged("ann", "anonymous"))
    assert [run["reason"] for run in await stage.runs(journey)] == ["exit_rule"]


async def test_case_24_the_earlier_arm_wins_in_a_merge_and_is_never_drawn_again(stage: Stage) -> None:
    arms = [{"name": "a", "weight": 1, "to": "yes"}, {"name": "b", "weight": 1, "to": "no"}]
    ends = [{"id": "yes", "type": "exit", "reason": "goal"}, {"id": "no", "type": "exit"}]
    split = {"id": "p", "type": "split_percent", "arms": arms}
    journey = await stage.journey({"entry": GO, "re_entry": "always", "nodes": [split, *ends]})
    # each journey draws by a key of its own: of twelve all would be alike once in two thousand times
    names = [f"p{number}" for number in range(60)]
    await stage.say(*[stage.event(name, "go") for name in names])
    reasons = {run["person_id"]: run["reason"] for run in await stage.runs(journey)}
    first = names[0]
    other = next(n for n in names if reasons[str(named("person", n))] != reasons[str(named("person", first))])
    earlier, later = sorted((first, other), key=names.index)
    kept = reasons[str(named("person", earlier))]
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        await tx.execute(
            statement("update assignment set assigned_at = assigned_at - interval '1 hour' where person_no = :no"),
            no=stage.person(earlier),
        )
    await stage.say(stage.merged(later, earlier))
    await stage.advance(hours=1)
    await stage.say(stage.event(later, "go"))
    assert (await stage.runs(journey))[-1]["reason"] == kept


async def test_case_25_a_split_leaves_the_run_with_the_side_that_entered(stage: Stage) -> None:
    journey = await stage.journey({**JOURNEY, "re_entry": "never"})
    await stage.say(stage.event("ann", "go", subject_no=77))
    await stage.say(stage.split("ann", {"bob": [77]}, revived=False))
    [run] = await stage.runs(journey)
    assert (run["person_id"], run["state"]) == (str(named("person", "bob")), "waiting")
    await stage.say(stage.event("ann", "go", subject_no=78))
    await stage.say(stage.event("bob", "go", subject_no=77))
    owners = sorted(run["person_id"] for run in await stage.runs(journey))
    assert owners == sorted([str(named("person", "ann")), str(named("person", "bob"))])


async def test_case_25_an_undone_merge_gives_back_the_run(stage: Stage) -> None:
    journey = await stage.journey(JOURNEY)
    await stage.say(stage.event("anonymous", "go", subject_no=5))
    await stage.say(stage.merged("ann", "anonymous", version=1))
    await stage.say(stage.split("ann", {"anonymous": [5]}, version=2))
    [run] = await stage.runs(journey)
    assert run["person_id"] == str(named("person", "anonymous"))
    await stage.say(stage.event("ann", "go", subject_no=6))
    assert len(await stage.runs(journey)) == 2


async def test_news_of_the_graph_in_the_wrong_order_end_the_same(stage: Stage) -> None:
    journey = await stage.journey(JOURNEY)
    await stage.say(stage.event("anonymous", "go", subject_no=5))
    await stage.say(stage.split("ann", {"anonymous": [5]}, version=2))
    await stage.say(stage.merged("ann", "anonymous", version=1))
    [run] = await stage.runs(journey)
    assert run["person_id"] == str(named("person", "anonymous"))
    await stage.say(stage.merged("carl", "ann", version=4))
    await stage.say(stage.merged("ann", "anonymous", version=3))
    [run] = await stage.runs(journey)
    assert run["person_id"] == str(named("person", "carl"))


async def test_an_erased_person_leaves_and_nothing_of_him_is_kept(stage: Stage) -> None:
    journey = await stage.journey({**JOURNEY, "exit_rules": [{"event": "paid"}], "entry_key": ["person", "cart"]})
    sealed = stage.app.runtime.sealer(1).seal_json({"properties": {"email": "a@x.org"}, "traits": {}, "context": {}})
    await stage.say(stage.event("ann", "go", properties={"cart": "c1"}, sealed=sealed), stage.event("bob", "go"))
    await stage.say(stage.erased("ann"))
    runs = {run["person_id"]: run for run in await stage.runs(journey)}
    gone = runs["00000000-0000-0000-0000-000000000000"]
    assert (gone["state"], gone["reason"], gone["key"]) == ("exited", "erased", "")
    await stage.say(stage.event("ann", "go"), stage.event("ann", "paid"))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        for table in ("run", "heard", "entered", "assignment"):
            count = await tx.fetch_value(
                statement(f"select count(*) from {table} where person_no = :no"), no=stage.person("ann")
            )
            assert count == 0, table
        kept = await tx.fetch_value(statement("select count(*) from run where run_id = :run and context is not null"),
                                    run=gone["id"])  # fmt: skip
    assert kept == 0
    await stage.advance(days=2)
    assert [intent.person_no for intent in await stage.read_outbox()] == [stage.person("bob")]
