"""Ids sort by time; the partition of a person is fixed for ever."""

from collections import Counter

from libs.common.ids import new_id, partition

FIXED = {(1, 0): 11, (1, 1): 2, (1, 2): 9, (2, 1): 14, (7, 123_456): 5, (1, 2**31 - 1): 9}


def test_ids_are_versioned_distinct_and_sort_by_their_milliseconds():
    ids = [new_id() for _ in range(2_000)]
    assert {one.version for one in ids} == {7}
    assert len(set(ids)) == len(ids)
    stamps = [one.int >> 80 for one in ids]
    assert stamps == sorted(stamps)


def test_the_partition_of_a_person_never_changes():
    assert {key: partition(*key) for key in FIXED} == FIXED


def test_persons_spread_evenly_over_sixteen_partitions():
    counts = Counter(partition(1, person_no) for person_no in range(16_000))
    assert set(counts) == set(range(16))
    assert max(counts.values()) < 1.2 * min(counts.values())
