"""One random dense history: evidence, words of consent, devices that change hands, decisions of the breaker."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.identity.domain.breaker import rushed
from services.identity.domain.device_times import names_somebody
from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.links import Pair, link_pairs, once_each
from services.identity.domain.policy import PolicySet, Safeguards
from services.identity.domain.rebuild import PLAIN_KINDS
from tests.identity.graph.consenting import DEVICES, Said, on_bases, permissions
from tests.identity.graph.worlds import DENSE, FADING, NOW, START, a_history, an_identifier, evidence

ON_A_DEVICE: tuple[tuple[EvidenceKind, int, bool], ...] = (
    ("login", 1, True),
    ("login", 1, True),
    ("login", 2, True),
    ("logout", 1, True),
    ("logout", 2, False),
    ("unbind", 1, True),
    ("retract", 1, True),
    ("observe", 3, False),
)
"""What happens on a device: kind, tier, and whether it names who."""

THROTTLED = 0.2
"""How many of the links that came slowly enough wait for their source, which merges too many persons."""

Decision = tuple[Pair, Hold]
Telling = Evidence | Said | Decision


@dataclass(frozen=True, slots=True)
class History:
    """What was ever told, in the order it was made up; decisions are about links, each about another one."""

    policies: PolicySet
    events: list[Evidence]
    said: list[Said]
    decisions: list[Decision]

    def shuffled(self, chance: random.Random) -> list[Telling]:
        """Return all of it in another order, a third of it twice."""
        told: list[Telling] = [*self.events, *self.said, *self.decisions]
        told += chance.sample(told, len(told) // 3)
        chance.shuffle(told)
        return told


def a_dense_history(chance: random.Random) -> History:
    """Return 2 to 14 events; with consents, changes of hands and the breaker in half of the histories each.

    In a third nothing is ever taken back or decided: only there the arrays settle much without the rule.
    """
    policies = chance.choice([DENSE, FADING])
    values = chance.choice([2, 3, 4, 6])
    events, said, decisions = a_history(chance, chance.randrange(2, 15), values), [], []
    if chance.random() < 0.5:
        events += _on_devices(chance, len(events), values)
    if chance.random() < 1 / 3:
        events = [one for one in events if one.kind in PLAIN_KINDS] or events
    if chance.random() < 0.5:
        policies = _asking(chance, policies)
        events = on_bases(chance, events, policies)
        said = permissions(chance, events, chance.randrange(1, 9))
    if chance.random() < 0.5:
        limits = Safeguards(largest_person=chance.choice([2, 3, 4, None]), joins_per_minute=1)
        policies = msgspec.structs.replace(policies, safeguards=limits)
        events = _at_once(chance, events)
        rushed_in = tripped(events, policies)
        decisions = [(pair, "released" if chance.random() < 0.3 else "held") for pair in sorted(rushed_in)]
        others = {pair for event in events for pair, _ in link_pairs(event, policies)} - rushed_in
        decisions += [(pair, "throttled") for pair in sorted(others) if chance.random() < THROTTLED]
    return History(policies, events, said, decisions)


def _on_devices(chance: random.Random, first: int, values: int) -> list[Evidence]:
    """Return what is done on one device and one cookie by two people and by nobody who says his name."""
    found = []
    for number in range(first, first + chance.randrange(2, 8)):
        kind, tier, named = chance.choice(ON_A_DEVICE)
        who = [an_identifier("account", chance.randrange(2))] if named else []
        device = an_identifier(chance.choice(["device", "cookie"]), values - 1)
        found.append(evidence(number, *who, device, kind=kind, tier=tier, at=round(chance.uniform(0, 120), 3)))
    return found


def _asking(chance: random.Random, policies: PolicySet) -> PolicySet:
    """Return policies under which devices are linked for a purpose of their own, now and then only if granted."""
    purposes = {
        name: msgspec.structs.replace(policy, consent_purpose=DEVICES if name in {"device", "cookie"} else "linking")
        for name, policy in policies.policies.items()
    }
    linking = chance.choice(["opt_out", "opt_out", "opt_out", "opt_in"])
    return msgspec.structs.replace(policies, policies=purposes, linking=linking)


def _at_once(chance: random.Random, events: Iterable[Evidence]) -> list[Evidence]:
    """Return the events, of which many arrive within a minute, from few sources."""
    return [
        msgspec.structs.replace(
            event,
            source_id=chance.choice([1, 1, 1, 2]),
            first_received_at=NOW if chance.random() < 0.6 else max(event.event_time, START),
        )
        for event in events
    ]


def tripped(events: Iterable[Evidence], policies: PolicySet) -> set[Pair]:
    """Return the links that one source made too fast at one identifier."""
    arrivals: dict[tuple[Identifier, int], dict[Pair, datetime]] = {}
    for event in once_each(events):
        for pair, facts in link_pairs(event, policies):
            for end, far in (pair, pair[::-1]):
                if facts.holds() is None or not policies.of(end.namespace).bridges:
                    continue
                if names_somebody(policies.of(far.namespace)):
                    at = arrivals.setdefault((end, event.source_id), {})
                    at[pair] = min(event.first_received_at, at.get(pair, event.first_received_at))
    most = policies.safeguards.joins_per_minute
    if most is None:
        return set()
    return {pair for at in arrivals.values() for pair in rushed(((when, pair) for pair, when in at.items()), most)}
