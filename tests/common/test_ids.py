"""Ids sort by time; the partition of a person is fixed for ever."""

import threading
import time
from collections import Counter
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import ids
from libs.common.ids import new_id, partition

FIXED = {(1, 0): 11, (1, 1): 2, (1, 2): 9, (2, 1): 14, (7, 123_456): 5, (1, 2**31 - 1): 9}


def test_ids_are_versioned_distinct_and_sort_by_their_milliseconds():
    made = [new_id() for _ in range(2_000)]
    assert {one.version for one in made} == {7}
    assert len(set(made)) == len(made)
    stamps = [one.int >> 80 for one in made]
    assert stamps == sorted(stamps)


@given(st.lists(st.integers(0, 3_000_000), min_size=2, max_size=200))
def test_ids_ascend_in_the_order_of_the_calls_whatever_the_clock_does(nanoseconds: list[int]):
    start = time.time_ns()
    clock = iter([start - one for one in nanoseconds])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ids, "_counter", ids.Counter())
        patched.setattr(time, "time_ns", lambda: next(clock))
        made = [new_id() for _ in nanoseconds]
    assert all(one < other for one, other in pairwise(made))
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}


def test_a_millisecond_that_is_full_borrows_from_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ids, "_counter", ids.Counter())
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_999_999)
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert Counter(one.int >> 80 for one in made) == {
        1_800_000_000_000: 4_096,
        1_800_000_000_001: 4_096,
        1_800_000_000_002: 1_808,
    }


def test_threads_never_make_the_same_id_and_each_sees_its_own_ascend():
    made: list[list[UUID]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda one=one: one.extend(new_id() for _ in range(2_000))) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == sorted(one) for one in made)
    assert len({each for one in made for each in one}) == 8_000


def test_the_partition_of_a_person_never_changes():
    assert {key: partition(*key) for key in FIXED} == FIXED


def test_persons_spread_evenly_over_sixteen_partitions():
    counts = Counter(partition(1, person_no) for person_no in range(16_000))
    assert set(counts) == set(range(16))
    assert max(counts.values()) < 1.2 * min(counts.values())
