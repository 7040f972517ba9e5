"""The generated world: the same every time, true to its description, and recognised by the rule."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from services.identity.domain.evidence import Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import PolicySet
from tests.identity.graph.conftest import graph_of  # noqa: F401 - a fixture
from world.__main__ import arguments, judged, main
from world.files import EVENTS, read_truth
from world.judge import Judge, score, tellable
from world.neighbourhoods import neighbourhoods
from world.scores import Tally
from world.shape import END, LATEST, MINI_PROGRAMS, OFFICIAL_ACCOUNTS

SEED = 7


@pytest.fixture(scope="module")
def world():
    return list(neighbourhoods(1_500, SEED))


def test_the_same_seed_gives_the_same_world_however_many_follow(world):
    assert list(neighbourhoods(1_000, SEED)) == world[:2]
    assert next(neighbourhoods(500, SEED + 1)).arrivals != world[0].arrivals


def test_there_are_thirty_apps_and_two_platforms(world):
    said = Counter(
        (one["type"], one["collection"])
        for part in world
        for arrival in part.arrivals
        if not arrival.is_fact
        for one in arrival.body.get("context", {}).get("externalIds", [])
    )
    apps = {scope for kind, scope in said if kind == "wx_openid"}
    assert {*OFFICIAL_ACCOUNTS, *MINI_PROGRAMS} <= apps
    assert {scope for kind, scope in said if kind == "wx_unionid"} == {"open-brand", "open-group"}


def test_every_trouble_of_real_data_is_there(world):
    arrivals = [arrival for part in world for arrival in part.arrivals]
    ids = Counter(arrival.number for arrival in arrivals)
    calls = {arrival.number: arrival for arrival in arrivals if not arrival.is_fact}
    traits = [arrival.body.get("traits", {}) for arrival in calls.values()]
    phones = [said["phone"] for said in traits if "phone" in said]
    late = [arrival for arrival in calls.values() if _delay(arrival) > timedelta(days=1)]
    assert max(ids.values()) == 2, "some arrive twice"
    assert any("*" in phone for phone in phones), "masked"
    assert "13800138000" in phones, "the hotline as filler"
    assert any(arrival.body.get("kind") == "supersede" for arrival in arrivals), "changed openids"
    assert any("+8613" in phone and count > 1 for phone, count in Counter(phones).items()), "passed on or mistyped"
    assert any(said.get("email", "").startswith("family") for said in traits)
    assert any("kiosk" in str(arrival.body.get("anonymousId")) for arrival in calls.values())
    assert any("tablet" in str(arrival.body.get("anonymousId")) for arrival in calls.values())
    assert late
    assert max(_delay(arrival) for arrival in late) <= LATEST + timedelta(days=400)
    assert any(_delay(arrival) < timedelta(hours=-1) for arrival in calls.values()), "clocks ahead"
    assert max(arrival.received_at for arrival in arrivals) <= END


def _delay(arrival):
    return arrival.received_at - msgspec.convert(arrival.body["timestamp"], type(arrival.received_at))


def test_no_identifier_is_twice_in_the_truth_and_all_of_it_is_seen(world):
    judge = Judge()
    for part in world:
        names = [Identifier(*one.name) for one in part.truth]
        assert len(names) == len(set(names))
        found = judge.persons(part)
        assert {name for name in names if name not in found} == set()


def test_whose_an_identifier_is_said_to_be_is_what_the_rule_says(world):
    judge = Judge()
    part = world[1]
    expected = partition(judge.evidence(part.arrivals), judge.policies, END).persons
    assert as_groups(judge.persons(part)) == expected


def as_groups(found):
    groups: dict[object, set[Identifier]] = {}
    for identifier, person in found.items():
        groups.setdefault(person, set()).add(identifier)
    return frozenset(map(frozenset, groups.values()))


def test_the_rule_recognises_what_can_be_told_and_merges_hardly_anybody_wrongly(world):
    judge, whole, told = Judge(), Tally(), Tally()
    for part in world:
        found = judge.persons(part)
        whole.add(score(part, found))
        told.add(tellable(part, found))
    assert told.pairwise.recall > 0.99
    assert told.pairwise.precision > 0.98
    assert whole.pairwise.precision > 0.98
    assert whole.mixed_persons <= 12
    assert whole.missed["refused"] <= 0.002 * whole.items
    assert set(whole.missed) > {"no unionid was ever told", "the fan never gave a number or a member id"}


async def test_the_stored_graph_makes_the_same_persons_of_the_world(graph_of):  # noqa: F811
    judge = Judge()
    part = next(neighbourhoods(120, SEED))
    graph = await graph_of(PolicySet(1, judge.policies.policies))
    graph.now = END
    said = judge.evidence(part.arrivals)
    for start in range(0, len(said), 400):
        await graph.take(said[start : start + 400])
    stored = await graph.stored()
    found = judge.persons(part)
    assert stored.persons == as_groups(found)
    assert score(part, dict(stored.ids)) == score(part, found)


def test_the_files_hold_the_world(tmp_path, capsys):
    assert main(["--persons", "600", "--seed", str(SEED), "--out", str(tmp_path)]) == 0
    parts = list(neighbourhoods(600, SEED))
    assert list(read_truth(tmp_path)) == [one for part in parts for one in part.truth]
    lines = (tmp_path / EVENTS).read_bytes().splitlines()
    assert len(lines) == sum(len(part.arrivals) for part in parts)
    assert {tuple(sorted(msgspec.json.decode(line))) for line in lines} == {
        ("call", "received_at", "source"),
        ("evidence", "received_at", "source"),
    }
    assert "600 humans" in capsys.readouterr().out


def test_the_command_scores_the_rule(tmp_path, capsys):
    assert main(["--persons", "100", "--judge", "--json", str(tmp_path / "scores.json")]) == 0
    said = msgspec.json.decode((tmp_path / "scores.json").read_bytes())
    whole, _ = judged(arguments(["--persons", "100", "--judge"]))
    assert said["truth"]["pairwise"]["precision"] == whole.pairwise.precision
    assert said["truth"]["missed_by_cause"] == dict(whole.missed)
    assert "per million" in capsys.readouterr().out
