"""Histories in which people say what may be linked: evidence on several bases, and words about them."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from services.identity.domain.basis import with_basis
from services.identity.domain.consents import Consents, Permission, Step, Word, consents_at, newest
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import PolicySet
from tests.identity.graph.worlds import DENSE, START

DEVICES = "devices"
CONSENTED = PolicySet(
    1,
    {
        name: msgspec.structs.replace(policy, consent_purpose=DEVICES if name in {"device", "cookie"} else "linking")
        for name, policy in DENSE.policies.items()
    },
)
"""DENSE, where devices are linked for a purpose of their own."""
PURPOSES = ("linking", DEVICES, "profiling", "*")
WORDS: tuple[Word, ...] = ("granted", "withdrawn", "withdrawn", "unknown")

Said = tuple[Identifier, str, Permission]


def on_bases(chance: random.Random, events: Sequence[Evidence], policies: PolicySet) -> list[Evidence]:
    """Return evidence of which some states a basis, and the rest has that of the policies."""
    stated = [None, None, None, "profiling", DEVICES]
    return [with_basis(msgspec.structs.replace(one, consent_basis=chance.choice(stated)), policies) for one in events]


def permissions(chance: random.Random, events: Sequence[Evidence], count: int) -> list[Said]:
    """Return words about the identifiers of a history, several versions of some."""
    named = sorted({identifier for one in events for identifier in one.identifiers})
    return [(chance.choice(named), chance.choice(PURPOSES), _permission(chance, version)) for version in range(count)]


def _permission(chance: random.Random, version: int) -> Permission:
    times = sorted(
        START + timedelta(days=round(chance.uniform(-10, 180), 2)) for _ in range(chance.choice([0, 1, 1, 2]))
    )
    return Permission(version + 1, tuple(Step(at, chance.choice(WORDS)) for at in times))


def standing(said: Iterable[Said], now: datetime) -> dict[Identifier, Consents]:
    """Return what counts at an instant after all was told: the small model of what the service keeps."""
    known: dict[Identifier, dict[str, Permission]] = {}
    for identifier, purpose, permission in said:
        known[identifier] = newest(known.get(identifier, {}), {purpose: permission})
    return {identifier: consents_at(words, now) for identifier, words in known.items()}
