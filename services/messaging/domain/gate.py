"""The gate without the database: expiry, holdout, consent, address, quiet hours; caps follow in `slots`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from services.messaging.domain import quiet
from services.messaging.domain.channel import Capabilities
from services.messaging.domain.holdout import is_held_out
from services.messaging.domain.intent import Defer, Drop, Intent, Take, Verdict
from services.messaging.domain.policy import Policy
from services.messaging.domain.zones import zone_or


@dataclass(frozen=True, slots=True)
class Reach:
    """What profile answers about a person and a channel at the moment of sending."""

    consent: str = "unknown"
    by: str = ""
    address: str | None = None
    contact_state: str = ""
    timezone: str | None = None
    locale: str | None = None
    traits: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An unsubscription this service took and has not been able to pass on yet; an empty word means all of them."""

    purpose: str
    channel: str
    topic: str = ""

    def covers(self, intent: Intent, channel: str) -> bool:
        """Return whether it forbids the intent on the channel."""
        return (
            self.purpose in ("", intent.question_purpose)
            and self.channel in ("", channel)
            and self.topic in ("", intent.topic)
        )


def judge(
    intent: Intent,
    reach: Mapping[str, Reach],
    capabilities: Mapping[str, Capabilities],
    policy: Policy,
    now: datetime,
    withdrawals: AbstractSet[Withdrawal] = frozenset(),
) -> Verdict:
    """Return the first channel that may be used now, or why there is none."""
    if intent.expires_at <= now:
        return Drop("expired", {"expires_at": intent.expires_at.isoformat()})
    if intent.message_class != "transactional" and is_held_out(
        policy.holdout_salt, policy.holdout_percent, intent.workspace_id, intent.person_no
    ):
        return Drop("holdout", {"percent": policy.holdout_percent})
    refused: list[Drop] = []
    for channel in intent.open_channels:
        capability = capabilities.get(channel)
        if capability is None:
            refused.append(Drop("config", {"detail": f"no channel {channel!r} is set up"}, channel))
            continue
        why = _closed(intent, channel, reach.get(channel, Reach()), capability, withdrawals)
        if why is None:
            return _in_time(intent, channel, reach.get(channel, Reach()), policy, now)
        refused.append(why)
    return _of_all(refused)


def _closed(
    intent: Intent, channel: str, reach: Reach, capability: Capabilities, withdrawals: AbstractSet[Withdrawal]
) -> Drop | None:
    """Return why the person cannot be reached on this channel, None when he can."""
    if any(withdrawal.covers(intent, channel) for withdrawal in withdrawals):
        return Drop("consent", {"state": "withdrawn", "by": "unsubscribe"}, channel)
    silence_allows = intent.message_class == "transactional" or capability.implied_consent
    allowed = {"granted", "unknown"} if silence_allows else {"granted"}
    if reach.consent not in allowed:
        reason = "topic" if reach.by == "topic" else "consent"
        values: dict[str, object] = {"state": reach.consent, "by": reach.by, "purpose": intent.question_purpose}
        if intent.topic:
            values["topic"] = intent.topic
        return Drop(reason, values, channel)
    if not capability.needs_address:
        return None
    if not reach.address:
        # his only one is another's by now
        known: dict[str, object] = {"contact_state": "taken"} if reach.contact_state == "taken" else {}
        return Drop("no_address", known, channel)
    if reach.contact_state == "bounced":
        return Drop("address_bad", {"contact_state": reach.contact_state}, channel)
    return None


def _in_time(intent: Intent, channel: str, reach: Reach, policy: Policy, now: datetime) -> Verdict:
    if intent.message_class == "transactional":
        return Take(channel)
    zone = zone_or(reach.timezone, policy.zone)
    rule = quiet.blocking(policy.quiet, channel, now, zone)
    if rule is None:
        return Take(channel)
    until = quiet.next_allowed(policy.quiet, channel, now, zone)
    values: dict[str, object] = {"zone": zone.key, "local": now.astimezone(zone).strftime("%H:%M")}
    if rule.then == "drop" or until is None or until >= intent.expires_at:
        return Drop("quiet", {**values, "expires_at": intent.expires_at.isoformat()}, channel)
    return Defer(until, "quiet", values, channel)


def _of_all(refused: list[Drop]) -> Drop:
    if not refused:
        return Drop("unreachable", {"detail": "no channel is left"})
    first = refused[0]
    if len(refused) == 1:
        return first
    tried: list[object] = [{"channel": r.channel, "reason": r.reason} for r in refused]
    return Drop(first.reason, {**first.values, "tried": tried}, first.channel)
