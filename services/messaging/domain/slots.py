"""The gate's second half, for one person whose row is locked: duplicates, caps, and who of several goes first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.messaging.domain.intent import CLASS_RANK, Defer, Drop, Intent, Spent, Take, Verdict
from services.messaging.domain.policy import Cap, Dedupe, Policy, Rolling
from services.messaging.domain.windows import is_inside, window_end


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent that passed everything but the caps, with the channel it would take."""

    intent: Intent
    channel: str
    zone: ZoneInfo

    def spent(self, at: datetime) -> Spent:
        """Return the slot it takes."""
        i = self.intent
        return Spent(i.intent_id, self.channel, at, i.category, i.campaign, i.topic, i.content_key, i.window_ends_at)


def rank(intent: Intent) -> tuple[int, int, float, datetime, bytes]:
    """Return the order in which a person's intents compete: the least goes first."""
    return (
        CLASS_RANK[intent.message_class],
        -intent.priority,
        -intent.value,
        intent.expires_at,
        intent.intent_id.bytes,
    )


def fits(cap: Cap, channel: str, category: str, campaign: str) -> bool:
    """Return whether a cap counts such a message: an empty set means all."""
    return (
        (not cap.channels or channel in cap.channels)
        and (not cap.categories or category in cap.categories)
        and (not cap.campaigns or campaign in cap.campaigns)
    )


def decide(
    candidates: Iterable[Candidate], spent: Sequence[Spent], policy: Policy, now: datetime
) -> dict[Intent, Verdict]:
    """Return a verdict for each candidate of one person; who is taken counts for those after him."""
    taken = list(spent)
    verdicts: dict[Intent, Verdict] = {}
    for candidate in sorted(candidates, key=lambda c: rank(c.intent)):
        verdict = _decide_one(candidate, taken, policy, now)
        verdicts[candidate.intent] = verdict
        if isinstance(verdict, Take):
            taken.append(candidate.spent(now))
    return verdicts


def _decide_one(candidate: Candidate, taken: Sequence[Spent], policy: Policy, now: datetime) -> Verdict:
    intent = candidate.intent
    if intent.message_class == "transactional":
        return Take(candidate.channel)
    # A retry already holds its slot: that one does not stand in its own way.
    others = [s for s in taken if (s.intent_id, s.channel) != (intent.intent_id, candidate.channel)]
    for rule in policy.dedupe:
        twin = _twin(rule, intent, others, now)
        if twin is not None:
            values: dict[str, object] = {"by": rule.by, "winner": str(twin.intent_id)}
            return Drop("duplicate", values, candidate.channel)
    for cap in policy.caps:
        if not fits(cap, candidate.channel, intent.category, intent.campaign):
            continue
        used = used_slots(cap, others, now, candidate.zone)
        if len(used) >= cap.count:
            return _over(cap, used, candidate, now)
    return Take(candidate.channel)


def used_slots(cap: Cap, spent: Iterable[Spent], now: datetime, zone: ZoneInfo) -> list[Spent]:
    """Return what counts against the cap in the window that holds `now`."""
    return [s for s in spent if fits(cap, s.channel, s.category, s.campaign) and is_inside(cap.window, s.at, now, zone)]


def next_free(cap: Cap, used: Sequence[Spent], now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the cap has room again if nothing else is sent; None for a cap of zero."""
    if cap.count < 1:
        return None
    if not isinstance(cap.window, Rolling):
        return window_end(cap.window, now, zone)
    newest_first = sorted((s.at for s in used), reverse=True)
    return newest_first[cap.count - 1] + cap.window.duration


def _twin(rule: Dedupe, intent: Intent, others: Iterable[Spent], now: datetime) -> Spent | None:
    for s in others:
        same = (
            bool(intent.content_key) and s.content_key == intent.content_key
            if rule.by == "content"
            else bool(intent.topic) and s.topic == intent.topic
        )
        if same and s.intent_id != intent.intent_id and s.at > now - rule.window:
            return s
    return None


def _over(cap: Cap, used: Sequence[Spent], candidate: Candidate, now: datetime) -> Verdict:
    intent = candidate.intent
    values: dict[str, object] = {"cap": cap.id, "count": cap.count, "used": len(used)}
    rivals = [s for s in used if intent.window_ends_at is not None and s.window_ends_at == intent.window_ends_at]
    if not rivals:
        return Drop("cap", values, candidate.channel)
    values["winner"] = str(rivals[0].intent_id)
    until = next_free(cap, used, now, candidate.zone)
    if intent.on_lose == "defer" and until is not None and until < intent.expires_at:
        return Defer(until, "priority", values, candidate.channel)
    return Drop("priority", values, candidate.channel)
