"""Who shares an address, read from the tables at the moment of asking."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from libs.common.db import Tx
from services.profile.domain.contact import MOST_OTHERS
from services.profile.store import contacts
from services.profile.usecases.read_person import read_contact_points, read_shared_contact_points
from tests.fixtures.postgres import ServiceDatabase
from tests.profile.saying import erased, identify, merged, owns, progressed, split
from tests.profile.usecases.test_any_order_gives_the_same_tables import hear, scenes

workspaces = count(50_000)
FAMILY = "family@example.com"
Batches = list[list[Any]]


def gave(person: int, subject: int, address: str = FAMILY) -> Any:
    """A person tells an address himself, under his own identifier."""
    return identify(person, subject, minute=1, personal={"email": address})


async def play(database: ServiceDatabase, batches: Batches, workspace_id: int | None = None) -> int:
    number = next(workspaces) if workspace_id is None else workspace_id
    for batch in batches:
        async with database.worker.transaction(number) as tx:
            await hear(tx, number, batch)
    return number


async def sharing(database: ServiceDatabase, workspace_id: int, *person_nos: int) -> dict[int, list[int]]:
    """With how many others each person shares his addresses."""
    async with database.app.transaction(workspace_id) as tx:
        points = await read_shared_contact_points(tx, workspace_id, person_nos)
    return {number: [point.shared_with for point in known] for number, known in points.items()}


async def counted_one_by_one(tx: Tx, workspace_id: int) -> dict[int, dict[bytes, int]]:
    """The same by looking at everybody's addresses."""
    living = [r["person_no"] for r in await tx.driver.fetch("select person_no from person where state = 'active'")]
    held = {
        number: {point.address.lookup for point in known}
        for number, known in (await read_contact_points(tx, workspace_id, living)).items()
    }
    return {
        me: {one: sum(one in theirs for other, theirs in held.items() if other != me) for one in mine}
        for me, mine in held.items()
    }


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(scene=scenes)
async def test_after_any_history_an_address_is_shared_with_exactly_those_living_who_have_it(
    profile_database: ServiceDatabase, scene: list[Any]
):
    number = await play(profile_database, [[event] for event in scene])
    async with profile_database.worker.transaction(number) as tx:
        wanted = await counted_one_by_one(tx, number)
        found = await read_shared_contact_points(tx, number, list(wanted))
    assert {me: {p.address.lookup: p.shared_with for p in known} for me, known in found.items()} == wanted


async def test_case_08_the_owner_and_whoever_gave_the_address_share_it(profile_database: ServiceDatabase):
    number = await play(
        profile_database,
        [
            [owns(1, 10), owns(2, 20), owns(2, 30, namespace="email", value=FAMILY), owns(3, 40)],
            [gave(1, 10), gave(2, 20), gave(3, 40, "alone@example.com")],
        ],
    )
    assert await sharing(profile_database, number, 1, 2, 3) == {1: [1], 2: [1], 3: [0]}


async def test_case_08_an_erasure_leaves_the_other_his_address_and_he_shares_it_no_more(
    profile_database: ServiceDatabase,
):
    email = owns(2, 30, namespace="email", value=FAMILY)
    number = await play(profile_database, [[owns(1, 10), owns(2, 20), email], [gave(1, 10), gave(2, 20)]])
    await play(profile_database, [[erased(2, (20, 30))]], number)
    assert await sharing(profile_database, number, 1, 2) == {1: [0]}


async def test_case_08_two_who_become_one_share_with_nobody_until_they_are_two_again(profile_database: ServiceDatabase):
    number = await play(profile_database, [[owns(1, 10), owns(2, 20)], [gave(1, 10), gave(2, 20)]])
    await play(profile_database, [[merged(1, 2, 3)], [owns(1, 20, 3)]], number)
    assert await sharing(profile_database, number, 1, 2) == {1: [0]}
    await play(profile_database, [[split(1, 2, 4)], [owns(2, 20, 4)]], number)
    assert await sharing(profile_database, number, 1, 2) == {1: [1], 2: [1]}


@pytest.mark.parametrize("first", ["standing", "ownership"])
async def test_half_heard_a_merge_counts_nobody_twice(profile_database: ServiceDatabase, first: str):
    number = await play(profile_database, [[owns(1, 10), owns(2, 20)], [gave(1, 10), gave(2, 20)]])
    half = merged(1, 2, 3) if first == "standing" else owns(1, 20, 3)
    await play(profile_database, [[half]], number)
    assert await sharing(profile_database, number, 1) == {1: [0]}


async def test_what_was_reported_of_somebody_merged_is_so_whether_he_is_asked_about_alone_or_beside_his_survivor(
    profile_database: ServiceDatabase,
):
    number = await play(
        profile_database,
        [[gave(1, 10)], [merged(1, 2, 1)], [progressed(2, "bounced", minute=2, channel="email")], [gave(2, 20)]],
    )
    async with profile_database.worker.transaction(number) as tx:
        alone = [(await read_contact_points(tx, number, [one]))[one] for one in (1, 2)]
        together = await read_contact_points(tx, number, [1, 2])
    assert alone == [together[1], together[2]]
    assert [[point.state for point in known] for known in alone] == [["bounced"], ["bounced"]]


async def test_another_workspace_has_other_persons(profile_database: ServiceDatabase):
    numbers = [await play(profile_database, [[owns(1, 10)], [gave(1, 10)]]) for _ in range(2)]
    assert [await sharing(profile_database, number, 1) for number in numbers] == [{1: [0]}, {1: [0]}]


async def test_an_address_of_thousands_is_counted_up_to_a_bound(
    profile_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
):
    crowd = range(1, MOST_OTHERS + 6)
    number = await play(profile_database, [[owns(one, one) for one in crowd], [gave(one, one) for one in crowd]])
    assert await sharing(profile_database, number, 1) == {1: [MOST_OTHERS]}
    monkeypatch.setattr(contacts, "_MOST_ROWS", 3)
    found = await sharing(profile_database, number, *crowd)
    assert all(2 <= others <= 3 for [others] in found.values())
