"""The rule against a second, literal reading of the specification, over cases made at random."""

import os
import random

import pytest

from services.identity.domain.evidence import Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import PolicySet, Safeguards
from tests.identity.cases.generated import a_case, read_literally
from tests.identity.cases.literal_rule import LiteralRule
from tests.identity.graph.sample_cases import arrival, declared, evidence_of, node_name
from tests.identity.graph.test_sample_cases_through_the_api import play

CASES = int(os.environ.get("RAPPORT_EXAMPLES", "12")) * 3


def literal(case, **quarantine) -> LiteralRule:
    now = max(arrival(event) for event in case["events"])
    return LiteralRule(case["policy"], read_literally(case), now, **quarantine)


def some_links(chance: random.Random, rule: LiteralRule) -> frozenset[frozenset[tuple[str, str, str]]]:
    return frozenset(link for link in sorted(rule.links, key=sorted) if chance.random() < 0.2)


def name(node) -> str:
    return node_name({"namespace": node[0], "scope": node[1], "value": node[2]})


@pytest.mark.parametrize("guarded", [False, True], ids=["open", "guarded"])
@pytest.mark.parametrize("seeds", [range(start, start + CASES // 4) for start in range(0, CASES, CASES // 4)])
def test_the_rule_is_what_the_specification_says_word_by_word(seeds, guarded):
    for seed in seeds:
        case, chance = a_case(seed), random.Random(seed)
        expected = literal(case)
        policies, holds = PolicySet(1, declared(case)), {}
        if guarded:
            held, released = some_links(chance, expected), some_links(chance, expected)
            expected = literal(case, largest=3, held=held, released=released - held)
            policies = PolicySet(1, declared(case), safeguards=Safeguards(largest_person=3))
            chosen = [*((link, "held") for link in held), *((link, "released") for link in released - held)]
            holds = {tuple(sorted(Identifier(*node) for node in link)): hold for link, hold in chosen}
        events = [
            evidence_of(event, tuple(Identifier(**one) for one in event["identifiers"])) for event in case["events"]
        ]
        result = partition(events, policies, expected.now, None, holds)
        assert {frozenset(map(str, person)) for person in result.persons} == {
            frozenset(map(name, person)) for person in expected.persons
        }, seed
        assert set(map(str, result.shared)) == set(map(name, expected.shared)), seed
        stated = {frozenset(map(name, link)): state for link, state in expected.state.items() if state[0] != "active"}
        found = {
            frozenset(map(str, pair)): (why.state, why.reason.removeprefix("parent"))
            for pair, why in result.refused.items()
        }
        assert found == stated, seed


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_the_service_gives_what_the_literal_rule_gives(house, seed):
    case = a_case(seed)
    rule = literal(case)
    case["expect"] = [
        {
            "after": len(case["events"]),
            "persons": [[name(node) for node in person] for person in rule.persons],
            "shared": [name(node) for node in rule.shared],
            "suppressed": [
                {"link": [name(node) for node in link], "state": state}
                for link, (state, _) in rule.state.items()
                if state != "active"
            ],
        }
    ]
    await play(await house.start("identity"), case, case["deliveries"][0])
