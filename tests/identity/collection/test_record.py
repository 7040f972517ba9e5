"""The record takes each event once, whatever the order of arrival."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from libs.common.db import statement
from libs.common.ids import new_id
from services.identity.domain.deduplication import event_key
from services.identity.store import event_log, ingest_queue
from services.identity.store.event_log import EventRow
from services.identity.usecases.collect_events import collect_events

NOW = datetime(2031, 5, 3, 12, tzinfo=UTC)


def a_row(message_id: str = "m1", content: int = 1, workspace_id: int = 1, **changes: Any) -> EventRow:
    fields: dict[str, Any] = {
        "key": event_key(workspace_id, 7, message_id),
        "workspace_id": workspace_id,
        "event_id": new_id(),
        "source_id": 7,
        "received_at": NOW,
        "event_time": NOW,
        "original_time": None,
        "kind": "track",
        "name": "Seen",
        "message_id": message_id,
        "content_hash": content.to_bytes(16, "big"),
        "payload": b"sealed",
    }
    return EventRow(**{**fields, **changes})


async def taken_by(database: Any, *rows: EventRow) -> list[str]:
    async with database.transaction([row.workspace_id for row in rows]) as tx:
        await event_log.ensure_month(tx, NOW)
        await collect_events(tx, rows)
    return [str(row.outcome) for row in rows]


async def test_a_message_id_is_known_for_ever(database_of: Any) -> None:
    identity = await database_of("identity")
    assert await taken_by(identity.app, a_row(), a_row("m2")) == ["accepted", "accepted"]
    assert await taken_by(identity.app, a_row(received_at=NOW.replace(year=2033))) == ["duplicate"]


async def test_a_repeat_within_one_group_is_a_duplicate(database_of: Any) -> None:
    identity = await database_of("identity")
    assert await taken_by(identity.app, a_row(), a_row()) == ["accepted", "duplicate"]


async def test_the_same_message_id_of_another_source_or_workspace_is_another_event(database_of: Any) -> None:
    identity = await database_of("identity")
    other_source = a_row(key=event_key(1, 8, "m1"), source_id=8)
    assert await taken_by(identity.app, a_row(), other_source, a_row(workspace_id=2)) == ["accepted"] * 3


async def test_the_copy_with_the_smaller_hash_is_the_event_in_every_order(database_of: Any) -> None:
    identity = await database_of("identity")
    for number, order in enumerate(permutations([3, 1, 2, 1])):
        message_id = f"m{number}"
        outcomes = [(await taken_by(identity.app, a_row(message_id, content)))[0] for content in order]
        assert sorted(outcomes) == ["accepted", "conflict", "conflict", "duplicate"], order
        async with identity.app.transaction(1) as tx:
            rows = await tx.fetch(
                statement("select content_hash, is_conflict from event_log where message_id = :m"), m=message_id
            )
        assert {int.from_bytes(row["content_hash"]): row["is_conflict"] for row in rows} == {
            1: False,
            2: True,
            3: True,
        }, order


async def test_copies_in_one_group_end_like_copies_in_many(database_of: Any) -> None:
    identity = await database_of("identity")
    assert await taken_by(identity.app, a_row(content=3), a_row(content=1), a_row(content=2)) == [
        "conflict", "accepted", "conflict",
    ]  # fmt: skip
    assert await taken_by(identity.app, a_row(content=2), a_row(content=1)) == ["duplicate", "duplicate"]


async def test_a_conflict_reaches_the_resolver_as_evidence_only(database_of: Any) -> None:
    identity = await database_of("identity")
    await taken_by(identity.app, a_row(content=2))
    await taken_by(identity.app, a_row(content=3))
    async with identity.worker.transaction([]) as tx:
        entries = await ingest_queue.claim_entries(tx, 10)
        assert [entry.evidence_only for entry in entries] == [False, True]
        await tx.see({entry.workspace_id for entry in entries})
        events = await event_log.read_events(tx, [(e.workspace_id, e.received_at, e.event_id) for e in entries])
        assert sorted(event.is_conflict for event in events) == [False, True]


async def test_a_month_far_from_today_is_made_on_demand_and_dropped_by_one_command(database_of: Any) -> None:
    identity = await database_of("identity")
    async with identity.app.transaction(1) as tx:
        assert await event_log.ensure_month(tx, datetime(1987, 2, 28, 23, 59, tzinfo=UTC)) == "event_log_1987_02"
        assert await event_log.ensure_month(tx, datetime(1987, 2, 1, tzinfo=UTC)) == "event_log_1987_02"
    far = datetime(1987, 2, 3, tzinfo=UTC)
    await taken_by(identity.app, a_row(received_at=far))
    async with identity.worker.transaction(1) as tx:
        await tx.fetch_value(statement("select drop_event_month(:at)"), at=far)
        assert await tx.fetch_value(statement("select count(*) from event_log")) == 0
    assert await taken_by(identity.app, a_row()) == ["duplicate"]


async def test_without_a_workspace_nothing_is_seen_and_nothing_is_written(database_of: Any) -> None:
    identity = await database_of("identity")
    await taken_by(identity.app, a_row())
    async with identity.app.transaction([]) as tx:
        assert await tx.fetch_value(statement("select count(*) from event_log")) == 0
    with pytest.raises(Exception, match="row-level security"):
        async with identity.app.transaction(2) as tx:
            await collect_events(tx, [a_row("m9")])
