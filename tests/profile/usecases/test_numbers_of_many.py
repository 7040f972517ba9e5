"""A telephone number of very many, and very many numbers at once: what is looked at again is bounded, and in line."""

from typing import Any

import pytest

from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.store import phones
from services.profile.usecases import take_ownership
from tests.fixtures.postgres import ServiceDatabase
from tests.profile.saying import identify, owns
from tests.profile.usecases.test_recycled_numbers import NUMBER, play
from tests.profile.usecases.test_workers_race import insist


def a_line(person: int, subject: int, version: int, number: str) -> Any:
    return owns(person, subject, version, namespace="phone", scope="", value=number)


async def looked_at(database: ServiceDatabase, number: int, *subject_nos: int) -> set[int]:
    async with database.worker.transaction(number) as tx:
        found = await phones.persons_with_phones(tx, {SubjectKey(number, subject_no) for subject_no in subject_nos})
    return {person.person_no for person in found}


async def test_the_places_looked_at_are_the_first_by_identifier_whatever_the_order_they_came_in(
    profile_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phones, "_MOST_ROWS", 3)
    crowd = [7, 3, 8, 1, 6, 2, 5, 4]
    number = await play(profile_database, [owns(one, one * 10) for one in crowd])
    given = [identify(one, one * 10, personal={"mobile": NUMBER}) for one in crowd]
    for event in (*given, a_line(99, 500, 1, NUMBER)):
        await insist(profile_database, number, [event])
    assert await looked_at(profile_database, number, 500) == {1, 2, 3}


async def test_of_many_numbers_at_once_each_has_its_share_of_the_places(
    profile_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phones, "_MOST_IN_ALL", 8)
    numbers = [f"+861391234000{one}" for one in range(4)]
    people = range(1, 7)
    events: list[Any] = [owns(one, one * 10) for one in people]
    events += [identify(one, one * 10, personal={"mobile": each}) for one in people for each in numbers]
    events += [a_line(90 + place, 500 + place, 1, each) for place, each in enumerate(numbers)]
    number = await play(profile_database, events)
    assert await looked_at(profile_database, number, 500, 501, 502, 503) == {1, 2}
    assert await looked_at(profile_database, number, 500) == {*people, 90}


async def test_what_is_told_again_and_changes_nothing_looks_at_nobody_who_gave_the_number(
    profile_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[SubjectKey]] = []

    async def note(_tx: Any, subjects: Any) -> set[PersonKey]:
        asked.append(set(subjects))
        return set()

    number = await play(profile_database, [owns(1, 10), identify(1, 10, personal={"mobile": NUMBER})])
    monkeypatch.setattr(take_ownership.phones, "persons_with_phones", note)
    for version in (1, 1, 2):
        await insist(profile_database, number, [a_line(9, 500, version, NUMBER)])
    assert asked == [{SubjectKey(number, 500)}, set(), {SubjectKey(number, 500)}]
