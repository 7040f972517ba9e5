"""ID9, cases 24 and 25 in messaging: while merged they count as one, and an undone merge gives each his own back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.identity.person_split import Part, PersonSplit
from libs.common.ids import new_id
from services.messaging.channels.inbox import Inbox
from services.messaging.jobs import send_due_messages
from services.messaging.subscribers import on_message_requested, on_person_merged, on_person_split
from tests.messaging.neighbours import person_id_of
from tests.messaging.stage import Stage
from tests.messaging.test_persons import (
    a_merge,
    a_request,
    listed,
    rounds,
    unsubscribed,
    with_template,
)

DAILY = {"id": "d", "count": 2, "window": {"calendar": "day"}}
HOLDERS = ("reservation", "intent", "inbox_message", "withdrawal")


def a_split(stage: Stage, person_no: int, *parts: tuple[int, tuple[int, ...]], version: int = 2) -> PersonSplit:
    """Each part is a number and the identifiers it takes along."""
    return PersonSplit(
        workspace_id=1, person_no=person_no, person_id=person_id_of(person_no), received_at=stage.now,
        occurred_at=stage.now, graph_version=version,
        parts=tuple(Part(number, person_id_of(number), subject_nos, revived=True) for number, subject_nos in parts),
    )  # fmt: skip


async def holdings(stage: Stage) -> dict[str, list[tuple[Any, ...]]]:
    """Return, of each table, which row is whose; and what is queued."""
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        found = {
            table: await tx.driver.fetch(f"select intent_id, person_no from {table} order by 1, 2") for table in HOLDERS
        }
        found["intent_queue"] = await tx.driver.fetch("select intent_id, step, due_at from intent_queue order by 1")
    return {table: [tuple(row) for row in rows] for table, rows in found.items()}


async def owner_of(stage: Stage, message: UUID) -> int:
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        return int(await tx.driver.fetchval("select person_no from intent where intent_id = $1", message))


async def inbox_of(stage: Stage, person_no: int) -> list[str]:
    answer = await stage.client.get(f"/v1/messaging/inbox/{person_id_of(person_no)}")
    assert answer.status_code == 200, answer.text
    return [item["message_id"] for item in answer.json()["items"]]


async def test_an_undone_merge_gives_back_slots_inbox_and_queue_exactly(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    await stage.policies(caps=[DAILY])
    later = (stage.now + timedelta(hours=1)).isoformat()
    for person_no in (1, 2):
        for channel in ("push", "inbox"):
            await stage.ask(person_no, channel)
        await stage.ask(person_no, "push", due_at=later)
    await rounds(stage)
    await unsubscribed(stage)
    before = await holdings(stage)
    shown = [await inbox_of(stage, person_no) for person_no in (1, 2)]
    assert [len(messages) for messages in shown] == [1, 1]
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    assert await holdings(stage) != before
    assert len(await inbox_of(stage, 1)) == 2
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,))))
    assert await holdings(stage) == before
    assert [await inbox_of(stage, person_no) for person_no in (1, 2)] == shown


async def test_an_unsubscription_holds_for_both_while_they_are_one_and_then_for_its_side(idle_stage: Stage) -> None:
    stage = idle_stage
    await unsubscribed(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 2, 1))
    waiting = await stage.ask(2, "push", content={"text": "together"})
    await rounds(stage)
    assert (await stage.message(waiting))["reason"] == "consent"
    await stage.hear(on_person_split.handle, a_split(stage, 2, (1, (5,))))
    other = await stage.ask(2, "push", content={"text": "apart"})
    his = await stage.ask(1, "push", content={"text": "apart too"})
    await rounds(stage)
    assert [(await stage.message(message))["state"] for message in (other, his)] == ["sent", "dropped"]


async def test_the_caps_of_both_are_their_own_again(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.policies(caps=[DAILY])
    for person_no in (1, 1, 2):
        await stage.ask(person_no, "push")
    await rounds(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,))))
    full, one_left, too_many = [await stage.ask(person_no, "push") for person_no in (1, 2, 2)]
    await rounds(stage)
    reasons = [(await stage.message(message))["reason"] for message in (full, one_left, too_many)]
    assert reasons == ["cap", "", "cap"]
    assert [o.person_no for o in provider.taken].count(2) == 2


async def test_chains_of_merges_come_apart_link_by_link(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    messages = {person_no: await stage.ask(person_no, "push") for person_no in (1, 2, 3)}
    await rounds(stage)

    async def owners() -> list[int]:
        return [await owner_of(stage, messages[person_no]) for person_no in (1, 2, 3)]

    await stage.hear(on_person_merged.handle, a_merge(stage, 2, 3, version=1))
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=2))
    assert await owners() == [1, 1, 1]
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (20, 30)), version=3))
    assert await owners() == [1, 2, 2], "who had merged into him before goes with him"
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=4))
    await stage.hear(on_person_split.handle, a_split(stage, 1, (3, (30,)), version=5))
    assert await owners() == [1, 1, 3]
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (20,)), version=6))
    assert await owners() == [1, 2, 3]


async def test_both_messages_of_one_step_go_when_the_merge_is_undone_before_they_are_due(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    provider = stage.provider("email")
    due_at = stage.now + timedelta(hours=1)
    await stage.hear(
        on_message_requested.handle,
        a_request(stage, 1, "one/mail/1", due_at=due_at),
        a_request(stage, 2, "two/mail/1", due_at=due_at),
    )
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    await rounds(stage)
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,))))
    await stage.app.put_clock(due_at, held=False)
    await rounds(stage)
    assert sorted(o.person_no for o in provider.taken) == [1, 2]


async def test_a_step_is_said_once_also_when_the_other_side_got_it_before_the_merge(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    provider = stage.provider("email")
    await stage.hear(on_message_requested.handle, a_request(stage, 2, "two/mail/1"))
    await rounds(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    later = stage.now + timedelta(hours=1)
    await stage.hear(
        on_message_requested.handle,
        a_request(stage, 1, "one/mail/1"),
        a_request(stage, 1, "one/other/1", node="other", due_at=later),
    )
    await rounds(stage)
    assert len(provider.taken) == 1
    [dropped] = await listed(stage, state="dropped")
    [sent] = await listed(stage, state="sent")
    assert (dropped["reason"], dropped["values"]["winner"]) == ("duplicate", sent["message_id"])


async def test_what_is_sent_together_stays_with_the_entry_and_else_with_the_survivor(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    provider = stage.provider("email")
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    entries = {
        "by an identifier of the second": {"subject_no": 5},
        "by an identifier of the first": {"subject_no": 6},
        "as the second, by hand": {"entered_as": 2},
        "nobody knows how": {},
    }
    await stage.hear(
        on_message_requested.handle,
        *(a_request(stage, 1, key, node=key, journey_id=new_id(), **entry) for key, entry in entries.items()),
    )
    await rounds(stage)
    assert [o.person_no for o in provider.taken] == [1, 1, 1, 1]
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,))))
    owners = {m["node"]: await owner_of(stage, UUID(m["message_id"])) for m in await listed(stage)}
    assert [owners[key] for key in entries] == [2, 1, 2, 1]
    before = await holdings(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=3))
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,)), version=4))
    assert await holdings(stage) == before


async def test_a_real_split_takes_along_what_the_identifier_was_sent(idle_stage: Stage) -> None:
    stage = idle_stage
    await with_template(stage)
    stage.provider("email")
    await stage.hear(
        on_message_requested.handle,
        a_request(stage, 1, "one/mail/1", subject_no=5),
        a_request(stage, 1, "two/mail/1", subject_no=6),
    )
    await rounds(stage)
    await stage.hear(on_person_split.handle, a_split(stage, 1, (7, (5,))))
    assert sorted([await owner_of(stage, UUID(m["message_id"])) for m in await listed(stage)]) == [1, 7]
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        rows = await tx.driver.fetch("select person_no from reservation order by 1")
    assert [row["person_no"] for row in rows] == [1, 7]


async def test_an_old_merge_heard_after_its_undoing_moves_nothing(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    message = await stage.ask(2, "push")
    await rounds(stage)
    split, merge = a_split(stage, 1, (2, (5,)), version=2), a_merge(stage, 1, 2, version=1)
    await stage.hear(on_person_split.handle, split)
    await stage.hear(on_person_merged.handle, merge)
    assert await owner_of(stage, message) == 2
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=3))
    await stage.hear(on_person_split.handle, split)
    assert await owner_of(stage, message) == 1


async def test_who_ended_and_somebody_he_parted_from_in_one_version_come_in_any_order(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("push")
    messages = [await stage.ask(person_no, "push") for person_no in (1, 2, 3)]
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=1))
    # the first ends in the third, and the second, whom he had absorbed, is back: one change of the graph
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,)), version=2))
    await stage.hear(on_person_merged.handle, a_merge(stage, 3, 1, version=2))
    assert [await owner_of(stage, message) for message in messages] == [3, 2, 3]


async def test_what_was_accepted_for_the_survivor_while_they_parted_goes_to_whom_it_was_for(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=1))
    waiting = await stage.ask(2, "push")
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,)), version=2))
    async with stage.app.runtime.worker_database.transaction(1) as tx:
        # as whoever read the merge and committed after the split leaves it
        await tx.driver.execute("update intent set person_no = 1, side_no = 2")
    await rounds(stage)
    assert [o.person_no for o in provider.taken] == [2]
    assert await owner_of(stage, waiting) == 2


async def test_what_reaches_the_inbox_after_a_split_lies_where_its_message_is(
    idle_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = idle_stage
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=1))
    message = await stage.ask(2, "inbox")
    send = Inbox.send

    async def split_first(self: Inbox, *arguments: Any) -> Any:
        await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,)), version=2))
        return await send(self, *arguments)

    monkeypatch.setattr(Inbox, "send", split_first)
    await send_due_messages.run(stage.app.runtime)
    assert await inbox_of(stage, 2) == [str(message)]
    assert await inbox_of(stage, 1) == []


async def test_an_address_is_its_claimers_own_again(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("email")
    await stage.policies(same_address_within="P7D")
    for person_no in (1, 2):
        stage.neighbours.person(person_no).addresses["email"] = "family@example.org"
    await stage.ask(2, "email")
    await rounds(stage)
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=1))
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,)), version=2))
    for person_no, reason in ((1, "duplicate"), (2, "")):
        message = await stage.ask(person_no, "email")
        await rounds(stage)
        assert (await stage.message(message))["reason"] == reason


async def test_who_asks_by_a_retired_id_means_that_side(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = stage.provider("push")
    stage.neighbours.person(1)
    stage.neighbours.merged[2] = 1
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2, version=1))
    messages = [await stage.ask(person_no, "push", content={"text": f"to {person_no}"}) for person_no in (1, 2)]
    await rounds(stage)
    assert [o.person_no for o in provider.taken] == [1, 1]
    await stage.hear(on_person_split.handle, a_split(stage, 1, (2, (5,)), version=2))
    assert [await owner_of(stage, message) for message in messages] == [1, 2]
