"""Where too many would meet by a file, by array passes over all of it: what the breaker would hold, and sure hubs.

The file is taken as if all of it arrived at one moment, which is what makes most of the breaker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from services.identity.domain.columns import EPOCH, Flags, Ints
from services.identity.domain.policy import HUB_PRIORITY, KNOWN_PRIORITY, NamespacePolicy, PolicySet

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Touched:
    """What is known of identifiers, by number: `kind` indexes `namespaces`, `new` ones are not stored.

    Of those `spoken` for anything was said of consent. Strays are those found to join too many by this source before:
    `open` ones wait for a decision, `trusted` ones were released.
    """

    namespaces: Sequence[str]
    kind: Ints
    new: Flags
    shared: Flags
    spoken: Flags
    open: Flags
    trusted: Flags


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs, each once: those that the file makes, and those of the same source that are stored and not held.

    `fresh` ones are not stored; `arrived` ones are fresh, or were stored within the breaker's minute.
    """

    low: Ints
    high: Ints
    at: Ints
    fresh: Flags
    arrived: Flags


class Rules:
    """What the policies say, by namespace of `touched`."""

    def __init__(self, namespaces: Sequence[str], policies: PolicySet) -> None:
        found = [policies.of(name) for name in namespaces]
        self.bridges = _flags([one.bridges for one in found])
        self.names = _flags([one.priority <= KNOWN_PRIORITY for one in found])
        self.single = _flags([one.is_singleton for one in found])
        self.strong = _flags([one.priority <= HUB_PRIORITY for one in found])
        self.child = _flags([one.parent is not None for one in found])
        self.crowd = np.array([_or_never(one.hub_threshold) for one in found], dtype=np.int64)
        self.ttl = np.array([_lifetime(one) for one in found], dtype=np.int64)


def _flags(values: list[bool]) -> Flags:
    return np.array(values, dtype=np.bool_)


def _or_never(value: int | None) -> int:
    return NEVER if value is None else value


def _lifetime(policy: NamespacePolicy) -> int:
    return NEVER if policy.ttl_days is None else timedelta(days=policy.ttl_days) // timedelta(microseconds=1)


def would_be_held(pairs: Pairs, touched: Touched, policies: PolicySet) -> tuple[Flags, Ints]:
    """Return which pairs the breaker would hold, and the identifiers at which it would: its rule (trip_breaker.py).

    What was decided about a pair before is not asked for here.
    """
    most = policies.safeguards.joins_per_minute
    held = np.zeros(len(pairs.low), dtype=np.bool_)
    rules = Rules(touched.namespaces, policies)
    causes: list[Ints] = []
    for end, far in ((pairs.low, pairs.high), (pairs.high, pairs.low)):
        waits = _reached(far, touched, rules) & pairs.fresh & touched.open[end]
        causes.append(end[waits])
        held |= waits
    if most is not None:
        tripped = _tripped(pairs, touched, rules, most)
        causes.append(np.flatnonzero(tripped))
        for end, far in ((pairs.low, pairs.high), (pairs.high, pairs.low)):
            held |= _reached(far, touched, rules) & pairs.arrived & tripped[end]
    return held, np.unique(np.concatenate(causes))


def _reached(far: Ints, touched: Touched, rules: Rules) -> Flags:
    """Return which far ends name somebody: what joins none but these is no matter of the breaker's."""
    kind = touched.kind[far]
    found: Flags = rules.names[kind] & rules.bridges[kind] & ~touched.shared[far]
    return found


def _tripped(pairs: Pairs, touched: Touched, rules: Rules, most: int) -> Flags:
    size = len(touched.kind)
    arrived, fresh, single = (np.zeros(size, dtype=np.int64) for _ in range(3))
    for end, far in ((pairs.low, pairs.high), (pairs.high, pairs.low)):
        reached = _reached(far, touched, rules)
        arrived += np.bincount(end[reached & pairs.arrived], minlength=size)
        fresh += np.bincount(end[reached & pairs.fresh], minlength=size)
        single += np.bincount(end[reached & rules.single[touched.kind[far]]], minlength=size)
    known = touched.kind >= 0
    kind = np.where(known, touched.kind, 0)
    may = known & rules.bridges[kind] & ~touched.shared & ~touched.open & ~touched.trusted
    # A crowd of people makes a hub of it, which joins nobody.
    tripped: Flags = may & (arrived > most) & (fresh > 0) & (single <= rules.crowd[kind])
    return tripped


def sure_hubs(pairs: Pairs, held: Flags, touched: Touched, policies: PolicySet, now: datetime) -> Flags:
    """Return identifiers that are hubs by what the file alone says of identifiers never seen before.

    They end regions like those that are hubs already. Whom older evidence may part from them is not counted: whether
    it makes one a hub is for the rule.
    """
    size = len(touched.kind)
    reached = np.zeros(size, dtype=np.int64)
    if policies.reassigns or policies.linking == "opt_in":
        return reached > 0
    rules = Rules(touched.namespaces, policies)
    age = (now - EPOCH) // timedelta(microseconds=1) - pairs.at
    for end, far in ((pairs.low, pairs.high), (pairs.high, pairs.low)):
        mine, theirs = touched.kind[end], touched.kind[far]
        alive = np.minimum(rules.ttl[mine], rules.ttl[theirs]) > age
        counts = np.where(rules.bridges[mine], rules.single[theirs], rules.strong[theirs]) & ~rules.child[theirs]
        surely = counts & alive & touched.new[far] & pairs.fresh & ~held
        reached += np.bincount(end[surely], minlength=size)
    known = touched.kind >= 0
    kind = np.where(known, touched.kind, 0)
    hubs: Flags = known & (reached > rules.crowd[kind]) & ~rules.child[kind] & ~touched.shared & ~touched.spoken
    return hubs
