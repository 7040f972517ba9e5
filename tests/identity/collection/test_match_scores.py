"""Pairs scored by a trained model: equal to Splink's weights, suggested, and never merged by themselves."""

import csv
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.matching.blocking import candidate_pairs
from services.identity.domain.matching.model import Comparison, Level, MatchModel, score
from services.identity.domain.matching.preparing import FieldKind, pinyin, prepare
from services.identity.domain.matching.similarity import days_apart, jaro_winkler, levenshtein
from tests.identity.collection.conftest import Door
from tests.identity.collection.shared_data import shared_file
from tests.identity.collection.test_suggestions import say, suggested

FIELDS: dict[str, FieldKind] = {"name": "name", "born": "date", "email": "email"}
MODEL = MatchModel(
    prior=0.01,
    fields=FIELDS,
    blocking=(("name_pinyin",), ("email",), ("born",)),
    comparisons=(
        Comparison(
            "name",
            (
                Level("equal", "exact", 0.8, 0.01, "name", by_frequency=True),
                Level("sounds equal", "exact", 0.1, 0.02, "name_pinyin"),
                Level("other", "else", 0.1, 0.97),
            ),
        ),
        Comparison("born", (Level("equal", "exact", 0.9, 0.001, "born"), Level("other", "else", 0.1, 0.999))),
        Comparison("email", (Level("equal", "exact", 0.9, 0.001, "email"), Level("other", "else", 0.1, 0.999))),
    ),
    frequencies={"name": {"王伟": 0.04, "欧阳翠花": 0.0001}},
)


def weight(one: dict[str, str], other: dict[str, str]) -> float:
    return score(prepare(one, FIELDS), prepare(other, FIELDS), MODEL).weight


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    common = weight({"name": "王伟"}, {"name": "王伟"})
    assert weight({"name": "欧阳翠花"}, {"name": "欧阳翠花"}) - common == pytest.approx(8.6439, abs=1e-3)
    plain = weight({"name": "unseen"}, {"name": "unseen"})
    assert common < plain < weight({"name": "欧阳翠花"}, {"name": "欧阳翠花"})


def test_chinese_names_of_two_or_three_characters_may_sound_equal() -> None:
    assert (pinyin("张伟"), pinyin("章伟"), pinyin("李小龙")) == ("zhang wei", "zhang wei", "li xiao long")
    assert pinyin("Wang Wei") is pinyin("王") is pinyin("欧阳翠花") is None
    scored = score(prepare({"name": "张伟"}, FIELDS), prepare({"name": "章伟"}, FIELDS), MODEL)
    assert [step.outcome for step in scored.waterfall] == ["any two records", "sounds equal", "missing", "missing"]


def test_the_first_of_january_is_a_birthday_nobody_told() -> None:
    for told in ("1990-01-01", "19900101", "1990/01/01", "1990-02-30", "soon", ""):
        assert prepare({"born": told}, FIELDS)["born"] is None
    assert prepare({"born": "1990.05.06"}, FIELDS)["born"] == "1990-05-06"
    same = {"name": "王伟", "born": "1990-01-01"}
    assert weight(same, same) == weight({"name": "王伟"}, {"name": "王伟"})


@settings(deadline=None)
@given(st.text("abcé王伟 ", max_size=9), st.text("abcé王伟 ", max_size=9))
def test_likeness_is_the_same_from_both_sides_and_whole_for_equals(one: str, other: str) -> None:
    assert levenshtein(one, other) == levenshtein(other, one) <= max(len(one.encode()), len(other.encode()))
    assert (levenshtein(one, other) == 0) == (one == other)
    assert 0 <= jaro_winkler(one, other) <= 1
    assert jaro_winkler(one, one) == 1


def test_the_published_examples_of_likeness() -> None:
    assert jaro_winkler("martha", "marhta") == pytest.approx(0.9611, abs=1e-4)
    assert jaro_winkler("dixon", "dicksonx") == pytest.approx(0.8133, abs=1e-4)
    assert (levenshtein("kitten", "sitting"), days_apart("2024-02-28", "2024-03-01")) == (3, 2)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(*[st.sampled_from(["x", "y", None])] * 2)))
def test_the_pairs_looked_at_are_those_that_agree(values: dict[str, tuple[str | None, str | None]]) -> None:
    records = {key: {"p": one, "q": other} for key, (one, other) in values.items()}
    expected = {
        (a, b)
        for a in records
        for b in records
        if a < b and (records[a]["p"] == records[b]["p"] is not None or (
            records[a] == records[b] and None not in records[a].values()))
    }  # fmt: skip
    pairs = list(candidate_pairs(records, (("p",), ("p", "q"))))
    assert (len(pairs), set(pairs)) == (len(set(pairs)), expected)


async def test_case_32_likely_persons_are_suggested_with_what_spoke_for_it_and_stay_two(door: Door) -> None:
    records = [{"name": "张伟", "born": "1990-05-06"}, {"name": "章伟", "born": "1990-05-06"}, {"name": "李娜"}]
    body: dict[str, Any] = {"items": [], "threshold": 4}
    for number, fields in enumerate(records):
        user = {"namespace": "user_id", "scope": "main", "value": f"match-{number}"}
        await say(door, ("login", 1, [user]))
        found = await door.ask("GET", "/v1/identity/persons/by-identifier", params=user)
        body["items"].append({"person_id": found.json()["person_id"], "fields": fields})
    path = "/v1/identity/suggestions/score"
    assert (await door.ask("POST", path, json=body)).status_code == 409
    model = msgspec.to_builtins(MODEL)
    for wrong in ({**model, "prior": 0}, {**model, "fields": {"name": "colour"}}, {**model, "comparisons": [{}]}):
        assert (await door.ask("PUT", "/v1/identity/match-model", json=wrong)).status_code == 422
    assert (await door.ask("PUT", "/v1/identity/match-model", json=model)).json() == {"version": 1}
    answer = (await door.ask("POST", path, json=body)).json()
    assert answer == {"compared": 1, "above": 1, "suggested": 1, "unknown": []}
    assert (await door.ask("POST", path, json=body)).json()["suggested"] == 0
    [item] = await suggested(door, origin="score")
    assert item["score"] == pytest.approx(weight(records[0], records[1]))
    assert [(step["comparison"], step["outcome"]) for step in item["waterfall"]] == [
        ("prior", "any two records"), ("name", "sounds equal"), ("born", "equal"), ("email", "missing"),
    ]  # fmt: skip
    assert "张" not in str(item["waterfall"])
    assert len(await door.rows("select 1 from person where state = 'active'")) == 3
    [row] = await door.rows("select sealed from match_model")
    assert "王伟".encode() not in bytes(row["sealed"])


def test_the_weights_are_splinks_own() -> None:
    pytest.importorskip("splink", reason="Splink is an extra of its own; bench/match_records.py measures it")
    from launcher.match_training import score_with_splink, train

    with shared_file("data/splink_er/fake_1000.csv").open() as file:
        rows = random.Random(1).sample(list(csv.DictReader(file)), 400)
    fields: dict[str, FieldKind] = {"first_name": "name", "surname": "name", "dob": "date", "email": "email"}
    records = {row["unique_id"]: prepare(row, fields) for row in rows}
    model, trained = train(
        records, fields, blocking=[["surname"], ["dob"]], certain=[["email"]], train_on=[["dob"], ["email"]], recall=0.7
    )
    theirs = score_with_splink(records, trained)
    assert len(theirs) > 50
    for (one, other), told in theirs.items():
        assert score(records[one], records[other], model).weight == pytest.approx(told, abs=1e-6)
