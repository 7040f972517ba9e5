"""The rebuild in arrays against the pure rule."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.ids import new_id
from services.identity.domain.columns import columns_of
from services.identity.domain.consents import Consents
from services.identity.domain.partition import partition
from services.identity.domain.parts import connected
from services.identity.domain.rebuild import rebuild
from services.identity.domain.respelling import EMAIL_ALIAS, denotes
from services.identity.domain.twins import TWIN_SOURCE, twin_evidence
from tests.identity.graph.consenting import CONSENTED, on_bases, permissions, standing
from tests.identity.graph.test_plain_regions import POSITIVE, ROOMY
from tests.identity.graph.test_respelling import BOTH, DEFAULTS, FOLDING, with_respellings
from tests.identity.graph.test_respelling import histories as spellings
from tests.identity.graph.worlds import (
    DENSE,
    EXAMPLES,
    FADING,
    GUARDED,
    NOW,
    a_history,
    an_identifier,
    evidence,
    some_holds,
)
from world.judge import Judge
from world.neighbourhoods import neighbourhoods
from world.shape import END


def compare(events, policies, now=NOW, consents=None, holds=None):
    """Hold the rebuilt partition to the pure one; return it."""
    columns, names = columns_of(events, consents or {})
    where = {name: place for place, name in enumerate(names)}
    placed = {(where[low], where[high]): hold for (low, high), hold in (holds or {}).items()}
    told = rebuild(columns, lambda nodes: [names[one] for one in nodes], policies, now, consents, placed)
    pure = partition(events, policies, now, consents, holds)
    groups: dict[int, set[object]] = {}
    for one, person in enumerate(told.person.tolist()):
        groups.setdefault(person, set()).add(names[one])
    assert frozenset(map(frozenset, groups.values())) == pure.persons
    assert {names[one] for one in np.flatnonzero(told.shared)} == pure.shared
    return told


@pytest.mark.parametrize("policies", [DENSE, ROOMY, FADING], ids=["dense", "roomy", "fading"])
def test_any_history_is_rebuilt_as_the_rule_says(policies):
    for seed in range(2 * EXAMPLES):
        chance = random.Random(seed)
        events = a_history(chance, chance.randrange(1, 16), values=chance.choice([2, 3, 4]))
        compare(events, policies)
        compare([one for one in events if one.kind in POSITIVE], policies)


def test_links_in_quarantine_and_persons_who_would_be_large_are_rebuilt_as_the_rule_says():
    for seed in range(2 * EXAMPLES):
        chance = random.Random(seed)
        events = a_history(chance, chance.randrange(1, 30), values=chance.choice([2, 3, 9]))
        plain = [one for one in events if one.kind in POSITIVE]
        for told in (events, plain):
            compare(told, GUARDED, holds=some_holds(chance, told, GUARDED))


def test_sparse_histories_of_many_people_are_rebuilt_mostly_without_the_rule():
    for seed in range(2):
        chance = random.Random(seed)
        events = a_history(chance, 1_500, values=900)
        told = compare([one for one in events if one.kind in POSITIVE or chance.random() < 0.1], DENSE)
        assert told.by_rule < len(told.person) / 2


def test_a_generated_world_is_rebuilt_as_the_rule_says():
    judge = Judge()
    for part in neighbourhoods(500, 3):
        told = compare(judge.evidence(part.arrivals), judge.policies, END)
        assert told.by_rule < len(told.person) / 4


@pytest.mark.parametrize("policies", [CONSENTED, msgspec.structs.replace(CONSENTED, linking="opt_in")], ids=str)
def test_a_history_in_which_people_withdraw_and_grant_is_rebuilt_as_the_rule_says(policies):
    for seed in range(2 * EXAMPLES):
        chance = random.Random(700 + seed)
        events = on_bases(chance, a_history(chance, chance.randrange(2, 20), values=chance.choice([2, 3, 4])), policies)
        consents = standing(permissions(chance, events, 8), NOW)
        compare(events, policies, consents=consents)
        compare([one for one in events if one.kind in POSITIVE], policies, consents=consents)


def test_withdrawn_consent_and_reassignment_go_to_the_rule():
    member, tel, other = an_identifier("account", 1), an_identifier("tel", 1), an_identifier("account", 2)
    events = [
        evidence(1, member, tel, at=10, basis="linking"),
        evidence(2, other, tel, at=100),
        evidence(3, other, an_identifier("device", 1), at=100),
    ]
    assert compare(events, DENSE, consents={member: Consents(frozenset({"linking"}))}).by_rule > 0
    assert compare(events, FADING).by_rule == 4


@pytest.mark.parametrize("policies", [DEFAULTS, FOLDING, BOTH], ids=["taken back", "folding", "both"])
def test_spellings_count_in_the_arrays_while_the_policies_say_so(policies):
    for seed in range(EXAMPLES):
        events = with_respellings([one for one in spellings(seed) if seed % 2 or one.kind in POSITIVE], BOTH)
        told, names = compare(events, policies), columns_of(events)[1]
        nobodys = {names[one] for one in np.flatnonzero(told.nobodys)}
        seen = {one for event in events if event.source_id != TWIN_SOURCE for one in event.identifiers}
        assert {one.namespace for one in set(names) - seen} >= {EMAIL_ALIAS}
        held = {denotes(one, policies) for one in seen}
        assert nobodys == set(names) - seen - held


def test_a_number_and_its_hash_are_one_hub_in_the_arrays():
    plain, hashed = an_identifier("phone", "+8613912345678"), an_identifier("phone_md5", "0" * 32)
    users = [an_identifier("user_id", one, f"shop {one}") for one in range(6)]
    said = [evidence(one, user, plain if one < 3 else hashed, at=one) for one, user in enumerate(users)]
    told = compare([*said, twin_evidence(plain, hashed, event_id=new_id(), received_at=NOW)], DEFAULTS)
    assert told.shared.sum() == 2


def test_nobody_is_rebuilt_from_nothing():
    assert not len(compare([], DENSE).person)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_connected_parts_are_those_of_a_walk(links):
    low = np.array([one for one, _ in links], dtype=np.int64)
    high = np.array([other for _, other in links], dtype=np.int64)
    root = connected(31, low, high).tolist()
    for start in range(31):
        reached, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            for one, other in links:
                for near, far in ((one, other), (other, one)):
                    if near == here and far not in reached:
                        reached.add(far)
                        waiting.append(far)
        assert {one for one in range(31) if root[one] == root[start]} == reached
