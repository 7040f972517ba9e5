"""What the collector took reaches the resolver, and of several copies exactly one is told to the others."""

import contextlib
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.identity.event_recorded import EventRecorded
from services.identity.domain.copies import Copy, choose_told
from services.identity.jobs import resolve_events
from services.identity.store import ingest_queue
from services.identity.usecases.tellings import event_recorded
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call


async def told(door: Door) -> list[EventRecorded]:
    rows = await door.rows("select payload from outbox_log where subject = :subject", subject=EventRecorded.subject)
    return [
        msgspec.json.decode(line, type=EventRecorded) for row in rows for line in bytes(row["payload"]).splitlines()
    ]


async def resolve(door: Door) -> None:
    while await resolve_events.run(door.runtime):
        pass


async def told_again(door: Door) -> list[EventRecorded]:
    async with door.runtime.worker_database.transaction(door.workspace.workspace_id) as tx:
        part = await event_recorded.telling.read(tx, door.runtime, door.workspace.workspace_id, None, 100)
    return [msgspec.json.decode(line, type=EventRecorded) for line in part.lines]


async def test_a_taken_event_is_told_with_its_person_once(door: Door) -> None:
    for _ in range(2):
        await door.post("track", a_call(1, anonymousId="a1", properties={"total": 2, "email": "canary@example.com"}))
    await resolve(door)
    [event] = await told(door)
    assert (event.name, event.kind, event.message_id) == ("Seen", "track", "m1")
    assert event.person_no > 0
    assert event.subject_no > 0
    assert len(event.identifier_nos) == 2
    assert msgspec.json.decode(event.properties) == {"total": 2}
    assert event.sealed is not None
    sealer = door.runtime.sealer(door.workspace.workspace_id)
    [again] = await told_again(door)
    assert again.sealed is not None
    assert sealer.open_json(again.sealed) == sealer.open_json(event.sealed)
    assert msgspec.structs.replace(again, sealed=event.sealed) == event


async def test_a_workspace_says_itself_which_names_are_personal(door: Door) -> None:
    word = {"personal": {"email": False, "shoe_size": True}}
    door.runtime.directory.put(msgspec.structs.replace(door.workspace, settings=word, version=99))
    await door.post("track", a_call(1, anonymousId="a1", properties={"email": "plain@example.com", "shoe_size": 43}))
    await resolve(door)
    [event] = await told(door)
    assert msgspec.json.decode(event.properties) == {"email": "plain@example.com"}
    assert event.sealed is not None
    [again] = await told_again(door)
    assert msgspec.json.decode(again.properties) == {"email": "plain@example.com"}
    assert again.sealed is not None


async def test_of_two_copies_unread_together_only_the_smaller_is_told(door: Door) -> None:
    contents = [a_call(1, event=name) for name in ("A", "B", "C", "D")]
    for call in contents:
        await door.post("track", call)
    await resolve(door)
    events = await told(door)
    winner = (await door.rows("select event_id from event_log where not is_conflict"))[0]["event_id"]
    assert [event.id for event in events] == [winner]


async def test_a_copy_that_comes_after_the_event_was_told_is_evidence_only(door: Door) -> None:
    for name in ("A", "B", "C", "D"):
        await door.post("track", a_call(1, event=name, anonymousId=f"visitor-{name}"))
        await resolve(door)
    assert len(await told(door)) == 1
    evidence = await door.rows("select distinct event_id from evidence")
    assert len(evidence) == 4


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("told_first", [False, True])
async def test_exactly_one_copy_is_told_however_the_queue_is_cut(
    door: Door, monkeypatch: pytest.MonkeyPatch, batch: int, told_first: bool
) -> None:
    monkeypatch.setattr(resolve_events, "next_size", lambda size, *_, **__: size)
    door.runtime.parts.batch_size = batch
    for number, name in enumerate("ABCDEFGH"):
        await door.post("track", a_call(1, event=name))
        if told_first and number == 0:
            await resolve(door)
    await resolve(door)
    [event] = await told(door)
    [first, *_] = await door.rows("select event_id, is_conflict from event_log order by received_at, event_id")
    if told_first:
        assert event.id == first["event_id"]
    else:
        winner = (await door.rows("select event_id from event_log where not is_conflict"))[0]["event_id"]
        assert event.id == winner


async def test_a_copy_waits_for_the_worker_that_reads_its_predecessor(door: Door) -> None:
    names = iter("ABCDEFGH")
    await door.post("track", a_call(1, event=next(names)))
    while not await door.rows("select 1 from event_log where is_conflict and name = 'A'"):
        await door.post("track", a_call(1, event=next(names)))
    with contextlib.suppress(ConnectionAbortedError):
        async with door.runtime.worker_database.transaction([]) as other:
            assert len(await ingest_queue.claim_entries(other, 1)) == 1
            await resolve_events.run(door.runtime)
            assert await told(door) == []
            raise ConnectionAbortedError("the other worker dies")
    await resolve(door)
    [event] = await told(door)
    assert [event.id] == [
        row["event_id"] for row in await door.rows("select event_id from event_log where not is_conflict")
    ]


_letters = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)


@given(_letters, st.lists(st.booleans(), min_size=8, max_size=8), st.integers(0, 8))
def test_of_a_chain_of_copies_exactly_one_is_told(names: list[str], cuts: list[bool], swapped: int) -> None:
    ids = [UUID(int=ord(name)) for name in names]
    batches: list[list[int]] = [[]]
    for position in range(len(ids)):
        if cuts[position]:
            batches.append([])
        batches[-1].append(position)
    all_told: set[UUID] = set()
    passed: set[UUID] = set()
    for batch in batches:
        copies = [
            # The copies after `swapped` came only when those before had been read.
            Copy(ids[n], n < len(ids) - 1 and n >= swapped, ids[n - 1] if n else None)
            for n in batch
        ]
        choice = choose_told(copies, passed)
        all_told |= choice.told
        passed |= choice.passed
    assert len(all_told) == 1


async def test_an_imported_call_that_names_nobody_is_told_without_a_person(door: Door) -> None:
    (door.import_dir / "a.csv").write_text("what\nSeen\n")
    mapping = {"event": {"column": "what"}, "personless": True}
    await door.ask(
        "POST", "/v1/imports", json={"source_id": door.server.source_id, "path": "a.csv", "mapping": mapping}
    )
    from services.identity.jobs import run_imports

    while await run_imports.run(door.runtime):
        pass
    await resolve(door)
    [event] = await told(door)
    assert (event.person_no, event.imported, event.live) == (0, True, False)
