"""Whose a message is while persons are one and when they part, and which of two says the same."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.sides import Departure, Known, Pointer, newest, parted_side
from services.messaging.domain.twins import Asked, Stage, twins

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def asked(number: int, side_no: int, origin: str, *, stage: Stage = Stage.GOING, minutes: int = 0) -> Asked:
    return Asked(UUID(int=number), 1, side_no, origin, stage, NOW + timedelta(minutes=minutes))


def test_after_a_merge_what_was_asked_for_both_goes_once() -> None:
    first, second, own_again = asked(1, 1, "a"), asked(2, 2, "a"), asked(3, 1, "a")
    assert twins([second, first, own_again]) == {second.intent_id: first}
    left, earlier = asked(5, 2, "b", stage=Stage.LEFT, minutes=1), asked(4, 1, "b")
    assert twins([earlier, left]) == {earlier.intent_id: left}


@pytest.mark.parametrize("stage", [Stage.LEFT, Stage.LEAVING])
def test_what_has_left_or_is_leaving_is_nobodys_loser(stage: Stage) -> None:
    assert twins([asked(1, 1, "a", stage=Stage.LEFT), asked(2, 2, "a", stage=stage)]) == {}


def test_the_furthest_says_it_and_what_waits_takes_nobodys_place() -> None:
    left, leaving, going, waiting = (
        asked(number, number, "a", stage=stage, minutes=-number) for number, stage in enumerate(Stage, 1)
    )
    assert twins([waiting, going, leaving, left]) == {going.intent_id: left, waiting.intent_id: left}
    assert twins([waiting, going, leaving]) == {going.intent_id: leaving, waiting.intent_id: leaving}
    assert twins([waiting, going]) == {waiting.intent_id: going}
    assert twins([waiting, asked(5, 5, "a", stage=Stage.WAITING)]) == {}


def test_the_newest_word_about_a_person_holds_and_an_equal_one_is_no_news() -> None:
    said = [Pointer(2, 1, 5), Pointer(2, 0, 7), Pointer(2, 3, 6), Pointer(1, 0, 5)]
    assert newest(said, {1: Known(0, 5)}) == {2: Pointer(2, 0, 7)}
    assert newest(said, {2: Known(4, 8)}) == {1: Pointer(1, 0, 5)}


def test_a_part_takes_what_its_identifiers_were_sent_and_what_lies_below_it_anyway() -> None:
    paths = {1: (1,), 2: (2,), 3: (3, 2), 4: (4, 1), 5: (5, 4, 1)}
    leaving = [Departure(1, 2, frozenset({7}))]
    assert parted_side(1, 7, paths, leaving) == 2
    assert parted_side(1, 8, paths, leaving) == 1
    assert parted_side(5, 7, paths, leaving) == 2, "however far below the person it was made"
    assert parted_side(3, 7, paths, leaving) == 3, "it goes with the part as it is"
    assert parted_side(3, 7, paths, [Departure(1, 4, frozenset({7}))]) == 3, "it was never with that person"


def test_who_merged_again_before_the_split_was_heard_keeps_his_side() -> None:
    paths = {1: (1,), 2: (2, 1), 3: (3, 2, 1)}
    assert parted_side(3, 7, paths, [Departure(1, 2, frozenset({7}))]) == 3


def test_splits_heard_together_are_applied_one_after_the_other() -> None:
    paths = {1: (1,), 2: (2,), 3: (3,)}
    leaving = [Departure(1, 2, frozenset({7, 8})), Departure(2, 3, frozenset({7}))]
    assert [parted_side(1, subject_no, paths, leaving) for subject_no in (6, 7, 8)] == [1, 3, 2]
