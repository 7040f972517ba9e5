"""Builders of small worlds: policies, evidence, and the oracle's view of what the service stored."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.links import Pair, link_pairs
from services.identity.domain.policy import CapByTier, NamespacePolicy, PolicySet, Safeguards

EXAMPLES = int(os.environ.get("RAPPORT_EXAMPLES", "12"))
"""How many histories each law is tried on; the nightly run asks for many more."""

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=120)

DENSE = PolicySet(
    1,
    {
        "account": NamespacePolicy(priority=1, max_per_person=1),
        "union": NamespacePolicy(priority=2, max_per_person=CapByTier(2, 1)),
        "tel": NamespacePolicy(priority=3, max_per_person=3, hub_threshold=2),
        "openid": NamespacePolicy(priority=4, max_per_person=2, cap_per="scope", parent="union"),
        "device": NamespacePolicy(priority=6, max_per_person=3, hub_threshold=2, ttl_days=60, bridges=False),
        "cookie": NamespacePolicy(
            priority=7, max_per_person=3, window_days=40, hub_threshold=2, bridges=False, parent="device"
        ),
    },
)
"""Every rule within reach of a dozen events."""

FADING = PolicySet(
    2,
    {
        **DENSE.policies,
        "tel": NamespacePolicy(priority=3, max_per_person=3, hub_threshold=2, reassign_after_days=20),
    },
)
"""The same, and telephone numbers pass to new owners."""

GUARDED = PolicySet(3, DENSE.policies, safeguards=Safeguards(largest_person=3, joins_per_minute=3))
"""The same, and nobody is large."""


def an_identifier(namespace: str, value: object, scope: str = "") -> Identifier:
    return Identifier(namespace, scope, str(value))


def evidence(
    number: int,
    *identifiers: Identifier,
    kind: EvidenceKind = "login",
    tier: int = 1,
    at: datetime | float = 0.0,
    received_at: datetime | None = None,
    basis: str | None = None,
) -> Evidence:
    """Evidence number `number`; `at` is an instant, or days after START."""
    time = START + timedelta(days=at) if isinstance(at, (int, float)) else at
    return Evidence(
        event_id=UUID(int=number + 1),
        source_id=1 + number % 3,
        kind=kind,
        tier=tier,
        event_time=time,
        first_received_at=received_at or max(time, START),
        identifiers=identifiers,
        consent_basis=basis,
    )


_KINDS: tuple[tuple[EvidenceKind, tuple[int, ...]], ...] = (
    ("login", (1, 2)),
    ("login", (1, 2)),
    ("login", (1, 2)),
    ("bind", (1, 2)),
    ("import", (2,)),
    ("observe", (3,)),
    ("observe", (3,)),
    ("logout", (1,)),
    ("unbind", (1, 2)),
    ("infer", (4,)),
    ("must_link", (0,)),
    ("cannot_link", (0,)),
    ("supersede", (0,)),
    ("retract", (0, 1)),
)


def identifiers(values: int = 4) -> st.SearchStrategy[Identifier]:
    """Any of a few identifiers of each namespace."""
    return st.builds(
        lambda namespace, value: an_identifier(
            namespace,
            value,
            "app1" if namespace == "openid" and value % 2 else ("app2" if namespace == "openid" else ""),
        ),
        st.sampled_from(sorted(DENSE.policies)),
        st.integers(0, values - 1),
    )


@st.composite
def histories(draw: st.DrawFn, most: int = 24, values: int = 4) -> list[Evidence]:
    """A dense history in no order of time."""
    events: list[Evidence] = []
    for number in range(draw(st.integers(1, most))):
        kind, tiers = draw(st.sampled_from(_KINDS))
        size = 2 if kind in {"supersede", "must_link", "cannot_link"} else draw(st.integers(1, 3))
        named = draw(st.lists(identifiers(values), min_size=size, max_size=size, unique=True))
        if kind == "supersede":
            named = [an_identifier("account", index) for index in draw(st.permutations(range(values)))[:2]]
        events.append(
            evidence(number, *named, kind=kind, tier=draw(st.sampled_from(tiers)), at=draw(st.integers(0, 2400)) / 20)
        )
    return events


def some_holds(chance: random.Random, events: Sequence[Evidence], policies: PolicySet) -> dict[Pair, Hold]:
    """Decisions about some of the links that evidence is about."""
    found = sorted({pair for event in events for pair, _ in link_pairs(event, policies)})
    chosen: tuple[Hold, ...] = ("held", "throttled", "released")
    return {pair: chance.choice(chosen) for pair in found if chance.random() < 0.3}


def persons_of(groups: Sequence[Sequence[Identifier]]) -> frozenset[frozenset[Identifier]]:
    return frozenset(frozenset(group) for group in groups)


def a_history(chance: random.Random, length: int, values: int) -> list[Evidence]:
    """A long history, made faster than by strategies."""
    events: list[Evidence] = []
    for number in range(length):
        kind, tiers = chance.choice(_KINDS)
        size = 2 if kind in {"supersede", "must_link", "cannot_link"} else chance.choice([1, 2, 2, 2, 3])
        named = [_any_identifier(chance, values) for _ in range(size)]
        if kind == "supersede":
            named = [an_identifier("account", value) for value in chance.sample(range(values), 2)]
        at = round(chance.uniform(0, 120), 3)
        events.append(evidence(number, *dict.fromkeys(named), kind=kind, tier=chance.choice(tiers), at=at))
    return events


def _any_identifier(chance: random.Random, values: int) -> Identifier:
    namespace, value = chance.choice(sorted(DENSE.policies)), chance.randrange(values)
    scope = "" if namespace != "openid" else "app1" if value % 2 else "app2"
    return an_identifier(namespace, value, scope)
