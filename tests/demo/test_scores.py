"""The arithmetic of the report, against small truths worked by hand and against simulation."""

import random

from hypothesis import given
from hypothesis import strategies as st

from demo.scores import difference, score_pairs, wrongly_merged


def test_a_perfect_partition_scores_one():
    truth = {"a": 1, "b": 1, "c": 2}
    score = score_pairs({"a": "p", "b": "p", "c": "q"}, truth)
    assert (score.precision, score.recall, score.f1) == (1.0, 1.0, 1.0)
    assert wrongly_merged({"a": "p", "b": "p", "c": "q"}, truth) == 0


def test_a_wrong_merge_costs_precision_and_a_missed_one_recall():
    truth = {"a": 1, "b": 1, "c": 2, "d": 2}
    score = score_pairs({"a": "p", "b": "p", "c": "p", "d": "q"}, truth)
    assert score.precision == 1 / 3
    assert score.recall == 1 / 2
    assert (score.wrong_pairs, score.missed_pairs) == (2, 1)
    assert wrongly_merged({"a": "p", "b": "p", "c": "p", "d": "q"}, truth) == 1


@given(st.dictionaries(st.integers(0, 40), st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30))
def test_pairs_counted_one_by_one_give_the_same_score(items: dict[int, tuple[int, int]]):
    found = {item: clusters[0] for item, clusters in items.items()}
    truth = {item: clusters[1] for item, clusters in items.items()}
    pairs = [(a, b) for a in items for b in items if a < b]
    said = {pair for pair in pairs if found[pair[0]] == found[pair[1]]}
    true = {pair for pair in pairs if truth[pair[0]] == truth[pair[1]]}
    score = score_pairs(dict(found), dict(truth))
    assert score.precision == (len(said & true) / len(said) if said else 1.0)
    assert score.recall == (len(said & true) / len(true) if true else 1.0)


def test_the_interval_of_a_difference_covers_it_nineteen_times_in_twenty():
    rng = random.Random(7)
    covered = 0
    for _ in range(600):
        treated = sum(rng.random() < 0.25 for _ in range(200))
        control = sum(rng.random() < 0.10 for _ in range(90))
        covered += difference((treated, 200), (control, 90)).covers(0.15)
    assert 0.92 <= covered / 600 <= 0.98


def test_the_published_example_of_the_method_comes_out():
    # Newcombe 1998, Statistics in Medicine 17:873, example (a): 56/70 against 48/80, method 10
    found = difference((56, 70), (48, 80))
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
