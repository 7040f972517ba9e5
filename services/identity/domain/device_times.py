"""Who held a device when: a function of the set of log-ins and log-outs that name it, of the rule and of now.

A device (cookie, session) accompanies persons and names nobody. What is done on it without a log-in belongs to whoever
held it at that time, so its holds are kept, and evidence that comes late only changes the hold it falls into.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from libs.common.painting import BEGINNING
from services.identity.domain.evidence import INFERRED, Evidence, Identifier
from services.identity.domain.links import POSITIVE, pairs
from services.identity.domain.policy import KNOWN_PRIORITY, NamespacePolicy, PolicySet

SignalKind = Literal["login", "unbind", "logout", "retract"]
_ORDER: dict[SignalKind, int] = {"login": 0, "unbind": 1, "logout": 2, "retract": 3}


class Signal(msgspec.Struct, frozen=True):
    """One fact about a device: who was seen on it (None: it does not say), how surely, and when."""

    at: datetime
    kind: SignalKind
    who: Identifier | None
    tier: int


class Hold(NamedTuple):
    """From `starts_at` on, until the next hold, the device is `who`'s, None for nobody's.

    `logged_in_at` is the log-in that began it: a hold may reach back before it.
    """

    starts_at: datetime
    who: Identifier | None
    logged_in_at: datetime | None = None


class _Claim(NamedTuple):
    """How well a holder is proved: the least wins, as in the assignment rule."""

    tier: int
    at: datetime
    last: datetime

    def rank(self, who: Identifier) -> tuple[int, float, Identifier]:
        return self.tier, -self.at.timestamp(), who


class _Board:
    """The claims that stand at one moment of the scan, and the holds found up to it."""

    def __init__(self) -> None:
        self.claims: dict[Identifier, _Claim] = {}
        self.holds: list[Hold] = [Hold(BEGINNING, None)]

    def claim(self, who: Identifier, tier: int, at: datetime) -> None:
        """Somebody was seen: his best tier counts, by its newest time."""
        known = self.claims.get(who)
        better = known is None or tier <= known.tier
        self.claims[who] = _Claim(tier, at, at) if better else known._replace(last=at)  # type: ignore[union-attr]

    @property
    def holder(self) -> Identifier | None:
        """Who holds the device by these claims."""
        return min(self.claims, key=lambda who: self.claims[who].rank(who), default=None)

    def note(self, at: datetime) -> None:
        """Write down who holds the device from a time on."""
        holder = self.holder
        if self.holds[-1].starts_at == at:
            self.holds.pop()
        if not self.holds or self.holds[-1].who != holder:
            self.holds.append(Hold(at, holder, at if holder is not None else None))


def holds(signals: Iterable[Signal], policy: NamespacePolicy, now: datetime) -> list[Hold]:
    """Return who held a device when, oldest first and without gaps, in whatever order the signals come.

    The last one proved holds it; a weaker log-in does not displace a better proved holder. A log-out of the holder (or
    of nobody by name) leaves it to nobody until the next log-in. Before the first log-in it is the first user's, as far
    as the policy looks back. Whoever was not seen for the namespace's time to live by now has lost it.
    """
    standing = sorted(_standing(list(signals)), key=lambda one: (one.at, _ORDER[one.kind], one.tier, _name(one)))
    board = _Board()
    for signal in standing:
        _take(board, signal)
        board.note(signal.at)
    if policy.ttl_days is not None:
        _lapse(board, timedelta(days=policy.ttl_days), now)
    return _looking_back(board.holds, standing, policy)


def _name(signal: Signal) -> tuple[str, str, str]:
    return (signal.who.namespace, signal.who.scope, signal.who.value) if signal.who else ("", "", "")


def _standing(signals: list[Signal]) -> Iterator[Signal]:
    """Leave out what was taken back: what was said of somebody as surely as that, or less, until then."""
    retracted = [one for one in signals if one.kind == "retract"]
    for signal in signals:
        gone = any(one.who == signal.who and one.tier <= signal.tier and signal.at <= one.at for one in retracted)
        if signal.kind != "retract" and not gone:
            yield signal


def _take(board: _Board, signal: Signal) -> None:
    if signal.kind == "unbind":
        known = board.claims.get(signal.who) if signal.who else None
        if signal.who is not None and known is not None and known.tier >= signal.tier:
            del board.claims[signal.who]
        return
    if signal.who is not None:
        # who logs out was there until then
        board.claim(signal.who, signal.tier, signal.at)
    if signal.kind == "logout":
        if signal.who is None or board.holder == signal.who:
            board.claims.clear()
        else:
            del board.claims[signal.who]


def _lapse(board: _Board, ttl: timedelta, now: datetime) -> None:
    while (holder := board.holder) is not None and (ends := board.claims[holder].last + ttl) <= now:
        del board.claims[holder]
        board.note(max(ends, board.holds[-1].starts_at))


def _looking_back(found: list[Hold], standing: list[Signal], policy: NamespacePolicy) -> list[Hold]:
    first = next((one for one in standing if one.who is not None and one.kind != "unbind"), None)
    if first is None:
        return found
    starts_at = BEGINNING
    if policy.look_back_days is not None:
        starts_at = max(BEGINNING, first.at - timedelta(days=policy.look_back_days))
    # an unnamed log-out before it ended somebody else's time
    starts_at = max([starts_at, *(one.at for one in standing if one.kind == "logout" and one.at < first.at)])
    begun = [hold for hold in found if hold.starts_at <= first.at][-1]
    told = [Hold(BEGINNING, None), Hold(starts_at, first.who, first.at), begun._replace(starts_at=first.at)]
    told += [hold for hold in found if hold.starts_at > first.at]
    kept: list[Hold] = []
    for hold in told:
        if kept and kept[-1].starts_at == hold.starts_at:
            kept.pop()
        if not kept or kept[-1].who != hold.who:
            kept.append(hold)
    return kept


def signals_of(evidence: Evidence, policies: PolicySet) -> Iterator[tuple[Identifier, Signal]]:
    """Yield each device that evidence names with what it says of who was on it."""
    kind = _kind(evidence)
    if kind is None or evidence.tier >= INFERRED:
        return
    named: set[Identifier] = set()
    for pair in pairs(evidence, policies):
        for device, who in (pair, pair[::-1]):
            if not policies.of(device.namespace).bridges and names_somebody(policies.of(who.namespace)):
                named.add(device)
                yield device, Signal(evidence.effective_time, kind, who, evidence.tier)
    if kind == "logout" and not named:
        for device in evidence.identifiers:
            if not policies.of(device.namespace).bridges:
                yield device, Signal(evidence.effective_time, kind, None, evidence.tier)


def names_somebody(policy: NamespacePolicy) -> bool:
    """Return whether identifiers of a namespace can hold a device."""
    return policy.bridges and policy.priority <= KNOWN_PRIORITY


def _kind(evidence: Evidence) -> SignalKind | None:
    if evidence.kind in ("logout", "unbind", "retract"):
        return evidence.kind
    return "login" if evidence.kind in POSITIVE - {"infer"} else None
