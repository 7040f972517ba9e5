"""Ask for a message."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.journey.domain.duration import Span, parse_duration
from services.journey.domain.node import End, Facts, Go, Message, Node, Outcome, Stay
from services.journey.domain.run import ExitReason, Run
from services.journey.domain.signal import Signal, message_signal

Choice = Literal["go_on", "wait", "exit"]
Drop = Literal[
    "consent", "cap", "quiet", "holdout", "expired", "unreachable", "duplicate", "priority", "failed", "suppressed",
]  # fmt: skip
_CALLED: Mapping[str, Drop] = {"no_address": "unreachable", "topic": "consent", "address_bad": "unreachable"}
_EXIT_REASONS: Mapping[str, ExitReason] = {"consent": "consent", "expired": "expired"}
_SENT = frozenset({"sent", "delivered", "opened", "clicked", "replied", "complained", "unsubscribed"})
_DROPPED = frozenset({"suppressed", "failed", "bounced"})
_PATIENCE = parse_duration("P1D")


class SendNode(Node):
    """Asks messaging for a message, once per visit.

    The run goes on at once unless the author chose otherwise for an outcome: then it waits for the outcome, at most
    until the message expires (a day when it does not). A person in the control arm passes without a message.
    """

    kind: ClassVar[str] = "send"
    hears_messages: ClassVar[bool] = True

    channel: str | None = Field(default=None, min_length=1, max_length=50)
    channels: tuple[str, ...] = Field(default=(), max_length=10)
    template: UUID | None = None
    template_key: str | None = Field(default=None, min_length=1, max_length=200)
    purpose: str = Field(default="marketing", min_length=1, max_length=100)
    message_class: Literal["transactional", "service", "marketing"] = "marketing"
    category: str = Field(default="", max_length=100)
    topic: str = Field(default="", max_length=100)
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    expires: Span | None = None
    fallback_after: Span | None = None
    on_drop: Choice | dict[Drop, Choice] = "go_on"

    @model_validator(mode="after")
    def _names_its_channels(self) -> "SendNode":
        if (self.channel is None) == (not self.channels):
            raise ValueError("name a `channel`, or `channels` in their order")
        return self

    def decide(self, run: Run, facts: Facts, /) -> Outcome:
        """Request the message on arrival; afterwards act on its outcome."""
        if run.arriving:
            return self._request(run, facts)
        decisive = [s for s in facts.heard if s.name == message_signal(self.id, run.visit)]
        for signal in sorted(decisive, key=lambda s: s.order):
            outcome = self._on_outcome(signal)
            if outcome is not None:
                return outcome
        until = self._patience(run)
        return Go(reason="no answer") if until <= facts.now else Stay(until)

    def _request(self, run: Run, facts: Facts) -> Outcome:
        if run.arm == "control":
            return Go(reason="holdout")
        expires_at = self.expires.after(run.planned_at) if self.expires else None
        if expires_at is not None and expires_at <= facts.now:
            return self._dropped("expired") or Go(reason="expired")
        message = Message(
            self.id,
            run.here,
            run.visit,
            self.channels or (self.channel or "",),
            self.purpose,
            self._settings(),
            expires_at,
        )
        if not self._cares:
            return Go(reason="requested", message=message)
        return Stay(self._patience(run), "requested", message)

    def _settings(self) -> Mapping[str, Any]:
        return {
            "template_id": self.template,
            "template_key": self.template_key,
            "message_class": self.message_class,
            "category": self.category,
            "topic": self.topic,
            "priority": self.priority,
            "fallback_after_seconds": self.fallback_after.exact.total_seconds() if self.fallback_after else None,
        }

    @property
    def _cares(self) -> bool:
        choices = self.on_drop.values() if isinstance(self.on_drop, dict) else (self.on_drop,)
        return any(choice != "go_on" for choice in choices)

    def _patience(self, run: Run) -> datetime:
        return (self.expires or _PATIENCE).after(run.arrived_at)

    def _on_outcome(self, signal: Signal) -> Outcome | None:
        """Return what an outcome leads to; None when it decides nothing yet."""
        state = signal.properties.get("state")
        if state in _SENT:
            return Go(reason="sent")
        if state not in _DROPPED:
            return None
        reason = str(signal.properties.get("reason") or "failed") if state == "suppressed" else "failed"
        return self._dropped(reason)

    def _dropped(self, reason: str) -> Outcome | None:
        called = _CALLED.get(reason, reason)
        if isinstance(self.on_drop, dict):
            choice: Choice = next((c for r, c in self.on_drop.items() if r in (reason, called)), "go_on")
        else:
            choice = self.on_drop
        if choice == "wait":
            return None
        return Go(reason=called) if choice == "go_on" else End(_EXIT_REASONS.get(called, "suppressed"), called)


node = SendNode
