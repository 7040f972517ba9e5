"""The sample cases on the pure function."""

import pytest

import services.identity.namespaces
from libs.common.registry import discover
from services.identity.domain.evidence import Identifier
from services.identity.domain.naming import name_identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.domain.reading import namespaces_by_name
from tests.identity.graph.sample_cases import CASES, arrival, assert_expected, declared, evidence_of

pytestmark = pytest.mark.skipif(not CASES, reason="the sample cases are not here")
KINDS = discover(services.identity.namespaces, "namespace", NamespaceKind)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_rule_gives_what_the_case_expects(case):
    policies = PolicySet(1, {**{kind.name: kind.policy for kind in KINDS}, **declared(case)})
    events, invalid = [], []
    for event in case["events"]:
        found = [
            (
                given,
                name_identifier(
                    given["namespace"], given["scope"], given["value"],
                    region="CN", namespaces=namespaces_by_name(KINDS), policies=policies,
                ),
            )
            for given in event["identifiers"]
        ]  # fmt: skip
        events.append(evidence_of(event, tuple(one for _, one in found if isinstance(one, Identifier))))
        invalid.append([(event["id"], given["value"]) for given, one in found if not isinstance(one, Identifier)])
    for expected in case["expect"]:
        after = expected["after"]
        now = max(arrival(event) for event in case["events"][:after])
        for order in (range(after), *case.get("deliveries", ())):
            result = partition([events[position] for position in order], policies, now)
            refused = {
                tuple(sorted(map(str, pair))): (why.state, why.reason, tuple(map(str, why.blockers or ())))
                for pair, why in result.refused.items()
            }
            persons = [map(str, person) for person in result.persons]
            assert_expected(expected, persons, refused, map(str, result.shared))
        refused_values = {one for event in invalid[:after] for one in event}
        assert refused_values == {(one["event"], one["value"]) for one in expected.get("invalid", ())}
