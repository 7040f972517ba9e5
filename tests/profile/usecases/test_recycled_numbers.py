"""A telephone number that is somebody else's by now: whoever gave it is not reached there."""

import asyncio
import importlib
from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
import pytest

from libs.common.contracts.profile.contact_changed import ContactChanged
from services.profile.domain.consent import Scope
from services.profile.store import phones
from services.profile.usecases.answer_reachability import Question, answer_reachability
from tests.fixtures.postgres import ServiceDatabase
from tests.profile.saying import SEALER, an_event, at, erased, identify, merged, owns, progressed, split
from tests.profile.usecases.test_any_order_gives_the_same_tables import channels_are_those_of_the_addresses, hear
from tests.profile.usecases.test_workers_race import insist

workspaces = count(70_000)
NUMBER = "+8613912340001"
OLD, NEW, THIRD = 1, 2, 3
LINE = 7
"""The identifier that is the number."""


def line(person: int, version: int, **more: Any) -> Any:
    return owns(person, LINE, version, namespace="phone", scope="", value=NUMBER, **more)


def gave(person: int, number: str = NUMBER, *, minute: float = 1) -> Any:
    """A person tells a number himself, under his own identifier."""
    return identify(person, person * 10, minute=minute, personal={"mobile": number})


async def play(database: ServiceDatabase, batches: Sequence[Any], number: int | None = None) -> int:
    """Apply the events, each a batch of its own, and look whether what was last said of channels is so."""
    number = next(workspaces) if number is None else number
    for event in batches:
        async with database.worker.transaction(number) as tx:
            await hear(tx, number, [event])
        async with database.worker.transaction(number) as tx:
            await channels_are_those_of_the_addresses(tx, number)
    return number


async def reach(database: ServiceDatabase, number: int, *person_nos: int) -> list[tuple[str | None, str | None]]:
    """What messaging is told: the address and its state."""
    async with database.app.transaction(number) as tx:
        questions = [Question(one, Scope("marketing", "sms", "")) for one in person_nos]
        answers = await answer_reachability(tx, number, questions, traits=(), sealer=SEALER, now=at(99))
    return [(one.address, one.contact_state) for one in answers]


async def said(database: ServiceDatabase, number: int) -> list[tuple[int, bool]]:
    """Who was said to be reachable by SMS or no more, in the order it was said; and to nobody twice the same."""
    async with database.worker.transaction(number) as tx:
        rows = await tx.driver.fetch(
            "select payload from outbox_log where subject = $1 order by log_id", ContactChanged.subject
        )
    lines = [text for row in rows for text in row["payload"].splitlines()]
    events = [msgspec.json.decode(text, type=ContactChanged) for text in lines]
    return [(one.person_no, one.usable) for one in events if one.channel == "sms"]


START = [owns(OLD, 10), owns(NEW, 20), line(OLD, 1), gave(OLD)]
MOVED = line(NEW, 2)


async def test_case_13_the_old_owner_of_a_number_is_reached_there_no_more(profile_database: ServiceDatabase):
    number = await play(profile_database, START)
    assert await reach(profile_database, number, OLD, NEW) == [(NUMBER, "declared"), (None, None)]
    await play(profile_database, [MOVED], number)
    assert await reach(profile_database, number, OLD, NEW) == [(None, "taken"), (NUMBER, "declared")]
    assert await said(profile_database, number) == [(OLD, True), (NEW, True), (OLD, False)]


async def test_case_13_whoever_has_another_number_is_reached_there(profile_database: ServiceDatabase):
    number = await play(profile_database, [*START, gave(OLD, "+8613912340009", minute=0), MOVED])
    assert await reach(profile_database, number, OLD) == [("+8613912340009", "declared")]
    # what a channel reports after the move is about the number it was sent to
    await play(profile_database, [progressed(OLD, "bounced", channel="sms", minute=5)], number)
    assert await reach(profile_database, number, OLD) == [("+8613912340009", "bounced")]


async def test_case_13_a_number_that_moved_at_a_time_leaves_its_old_owner_too(profile_database: ServiceDatabase):
    number = await play(profile_database, [*START, line(NEW, 2, since=9, received=9)])
    assert await reach(profile_database, number, OLD, NEW) == [(None, "taken"), (NUMBER, "declared")]


async def test_case_13_what_an_event_says_of_a_numbers_owner_counts_where_nothing_better_is_known(
    profile_database: ServiceDatabase,
):
    past = line(NEW, 2, since=0, until=5)
    number = await play(profile_database, [*START[:2], gave(THIRD), past, erased(NEW, (20,))])
    assert await reach(profile_database, number, THIRD) == [(NUMBER, "declared")]
    await play(profile_database, [an_event(OLD, LINE, minute=9)], number)
    assert await reach(profile_database, number, THIRD) == [(None, "taken")]


async def test_case_07_a_typo_that_is_somebodys_number_reaches_nobody(profile_database: ServiceDatabase):
    number = await play(profile_database, [owns(OLD, 10), owns(NEW, 20), MOVED, gave(OLD)])
    assert await reach(profile_database, number, OLD, NEW) == [(None, "taken"), (NUMBER, "declared")]
    assert await said(profile_database, number) == [(NEW, True)]


async def test_a_number_nobody_owns_is_usable_for_whoever_gave_it(profile_database: ServiceDatabase):
    number = await play(profile_database, [owns(OLD, 10), owns(NEW, 20), gave(OLD), gave(NEW)])
    assert await reach(profile_database, number, OLD, NEW) == [(NUMBER, "declared")] * 2


async def test_a_number_told_under_anothers_number_is_not_his_line(profile_database: ServiceDatabase):
    second = identify(NEW, LINE, minute=2, personal={"mobile": "+8613912340009"})
    number = await play(profile_database, [*START, MOVED, second, gave(OLD, "+8613912340009")])
    assert await reach(profile_database, number, OLD) == [("+8613912340009", "declared")]


async def test_case_13_an_erasure_of_the_new_owner_gives_the_number_back(profile_database: ServiceDatabase):
    number = await play(profile_database, [*START, MOVED, erased(NEW, (20, LINE))])
    assert await reach(profile_database, number, OLD) == [(NUMBER, "declared")]
    assert (await said(profile_database, number))[-1] == (OLD, True)


async def test_case_13_a_merge_with_the_owner_gives_the_number_back_and_its_undoing_takes_it(
    profile_database: ServiceDatabase,
):
    number = await play(profile_database, [*START, MOVED, merged(OLD, NEW, 3), line(OLD, 3), owns(OLD, 20, 3)])
    assert await reach(profile_database, number, OLD) == [(NUMBER, "declared")]
    await play(profile_database, [line(NEW, 4), owns(NEW, 20, 4), split(OLD, NEW, 4)], number)
    assert await reach(profile_database, number, OLD, NEW) == [(None, "taken"), (NUMBER, "declared")]


@pytest.mark.parametrize("first", ["standing", "ownership"])
async def test_case_13_a_merge_half_heard_never_lends_the_number_to_a_third(
    profile_database: ServiceDatabase, first: str
):
    number = await play(profile_database, [*START, owns(THIRD, 30), gave(THIRD), MOVED])
    halves = [merged(OLD, NEW, 3), line(OLD, 3)]
    for half in halves if first == "standing" else reversed(halves):
        await play(profile_database, [half], number)
        assert await reach(profile_database, number, OLD, THIRD) == [(NUMBER, "declared"), (None, "taken")]


async def test_case_13_an_owner_who_is_found_to_be_part_of_an_erased_person_gives_it_back(
    profile_database: ServiceDatabase,
):
    number = await play(profile_database, [*START, MOVED, owns(THIRD, 33), erased(THIRD, (33,)), merged(THIRD, NEW, 3)])
    assert await reach(profile_database, number, OLD) == [(NUMBER, "declared")]


@pytest.mark.parametrize("spelling", ["139 1234 0001", "(139) 1234-0001", "0086 139 1234 0001", "+86 139 1234 0001"])
async def test_case_13_the_number_is_known_in_every_spelling(profile_database: ServiceDatabase, spelling: str):
    number = await play(profile_database, [owns(OLD, 10), owns(NEW, 20), gave(OLD, spelling)])
    assert await reach(profile_database, number, OLD) == [(NUMBER, "declared")]
    await play(profile_database, [MOVED], number)
    assert await reach(profile_database, number, OLD) == [(None, "taken")]


async def test_of_a_number_that_thousands_gave_so_many_are_looked_at_and_nobody_is_reached(
    profile_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(phones, "_MOST_ROWS", 3)
    crowd = range(1, 9)
    number = next(workspaces)
    events = [*(owns(one, one * 10) for one in crowd), *(gave(one) for one in crowd)]
    await play(profile_database, events, number)
    async with profile_database.worker.transaction(number) as tx:
        await hear(tx, number, [owns(99, 5, namespace="phone", scope="", value=NUMBER)])
    lost = [one for one, usable in await said(profile_database, number) if not usable]
    assert 2 <= len(lost) <= 3, "the owner's own place is among those looked at"
    assert await reach(profile_database, number, *crowd) == [(None, "taken")] * len(crowd)


async def test_whoever_gives_a_number_while_another_takes_it_is_told_of_it(profile_database: ServiceDatabase):
    number = next(workspaces)
    pairs = range(1, 31)
    for one in pairs:
        await insist(profile_database, number, [owns(one, one)])
        if one % 2:
            known = identify(200, 200, personal={"phone": f"+861391234{one:04}"})
            await insist(profile_database, number, [known])
    given = [identify(one, one, personal={"phone": f"+861391234{one:04}"}) for one in pairs]
    taken = [owns(100, 100 + one, namespace="phone", scope="", value=f"+861391234{one:04}") for one in pairs]
    both = [event for pair in zip(given, taken, strict=True) for event in pair]
    await asyncio.gather(*(insist(profile_database, number, [event]) for event in both))
    assert await reach(profile_database, number, *pairs) == [(None, "taken")] * len(pairs)
    async with profile_database.worker.transaction(number) as tx:
        await channels_are_those_of_the_addresses(tx, number)


async def test_the_migration_finds_what_was_known_of_identifiers_before(profile_database: ServiceDatabase) -> None:
    email = owns(NEW, 8, namespace="email", scope="", value="anna@example.com")
    unclear = [line(NEW, 2), identify(NEW, LINE, personal={"mobile": "+8613912340009"})]
    migration = importlib.import_module("services.profile.migrations.versions.0008_owned_phones")
    for events, known in (([*START, MOVED, email], True), (unclear, False)):
        number = await play(profile_database, events)
        async with profile_database.worker.transaction(number) as tx:
            own = "select subject_no, kind from contact_point where own order by subject_no"
            before = await tx.driver.fetch(own)
            await tx.driver.execute("update contact_point set own = false")
            await tx.driver.execute(migration.BACKFILL)
            assert await tx.driver.fetch(own) == (before if known else [])
            # identity says it again, and it is clear
            await hear(tx, number, [line(NEW, 9)])
            assert (LINE, "phone") in [tuple(one) for one in await tx.driver.fetch(own)]
