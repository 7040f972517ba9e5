"""Decisions, consent and time: the rule where evidence is taken back or runs out."""

from datetime import timedelta

import pytest

from services.identity.domain.consents import Consents
from services.identity.domain.partition import partition
from services.identity.domain.policy import NamespacePolicy
from tests.identity.graph.test_tricky_cases import (
    ANNA,
    COOKIE,
    DEFAULTS,
    EMAIL,
    PHONE,
    decide,
    openid,
    refusal,
    together,
)
from tests.identity.graph.worlds import NOW, START, evidence

UNDONE = [
    evidence(1, ANNA, PHONE, at=1),
    evidence(2, openid(1), PHONE, kind="bind", tier=2, at=2),
    evidence(3, openid(1), PHONE, kind="cannot_link", tier=0, at=3),
]


def test_case_22_who_was_joined_is_two_again_by_an_operators_word():
    assert together(decide(*UNDONE[:2]), ANNA, openid(1))
    assert not together(decide(*UNDONE), ANNA, openid(1))


def test_case_23_an_undone_merge_stays_undone_when_the_weak_evidence_returns():
    again = [evidence(10 + number, openid(1), PHONE, kind="bind", tier=2, at=4 + number) for number in range(5)]
    result = decide(*UNDONE, *again)
    assert not together(result, ANNA, openid(1))
    assert refusal(result, openid(1), PHONE) == ("suppressed", "cannot_link")


def test_a_newer_decision_takes_a_refusal_back():
    events = [
        evidence(1, openid(1), PHONE, kind="cannot_link", tier=0, at=3),
        evidence(2, openid(1), PHONE, kind="must_link", tier=0, at=4),
    ]
    assert together(decide(*events), PHONE, openid(1))
    tie = evidence(3, openid(1), PHONE, kind="cannot_link", tier=0, at=4)
    assert not together(decide(*events, tie), PHONE, openid(1))


def test_case_28_withdrawn_consent_takes_only_the_links_of_that_purpose():
    events = [
        evidence(1, ANNA, PHONE, at=1, basis="profiling"),
        evidence(2, ANNA, EMAIL, at=2),
    ]
    consents = {ANNA: Consents(frozenset({"profiling"}))}
    result = partition(events, DEFAULTS, NOW, consents)
    assert refusal(result, ANNA, PHONE) == ("suppressed", "consent")
    assert together(result, ANNA, EMAIL)


def test_case_32_inferred_links_never_merge():
    result = decide(evidence(1, ANNA, PHONE, kind="infer", tier=4, at=1))
    assert refusal(result, ANNA, PHONE) == ("suppressed", "inferred")


def test_the_newest_of_bind_and_unbind_wins_and_a_tie_unbinds():
    bound, unbound = evidence(1, ANNA, PHONE, kind="bind", at=1), evidence(2, ANNA, PHONE, kind="unbind", at=6)
    assert refusal(decide(bound, unbound), ANNA, PHONE) == ("unbound", "")
    assert together(decide(bound, unbound, evidence(3, ANNA, PHONE, kind="bind", at=10)), ANNA, PHONE)
    assert not together(decide(bound, unbound, evidence(3, ANNA, PHONE, kind="bind", at=6)), ANNA, PHONE)


def test_a_public_key_cannot_unbind_what_was_proved():
    result = decide(evidence(1, ANNA, PHONE, at=1), evidence(2, ANNA, PHONE, kind="unbind", tier=2, at=6))
    assert together(result, ANNA, PHONE)


def test_a_device_out_of_use_is_forgotten_in_time():
    event = evidence(1, ANNA, COOKIE, at=1)
    assert together(decide(event), ANNA, COOKIE)
    later = START + timedelta(days=1 + 180)
    assert refusal(decide(event, now=later), ANNA, COOKIE) == ("expired", "ttl")


@pytest.mark.parametrize("tier", [0, 1, 2, 3])
def test_links_hold_by_evidence_of_every_tier_but_the_inferred(tier):
    assert together(decide(evidence(1, ANNA, PHONE, tier=tier, at=1)), ANNA, PHONE)


def test_an_unknown_namespace_has_a_policy():
    assert isinstance(DEFAULTS.of("loyalty_app"), NamespacePolicy)
