"""The rules of a workspace: caps, quiet hours, duplicates, arbitration, holdout, the sender."""

from datetime import time, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.errors import FieldError, Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.messaging.api.words import Name, Word
from services.messaging.domain.mail import has_control, is_aligned
from services.messaging.domain.policy import (
    Calendar,
    CalendarUnit,
    Cap,
    Dedupe,
    Policy,
    Quiet,
    Rolling,
    Sender,
    Weekday,
)
from services.messaging.domain.zones import is_zone
from services.messaging.store.policies import current_policy, put_policy

router = APIRouter(prefix="/v1/messaging", tags=["policies"])

Reader = Annotated[Caller, Depends(requires("messages:read"))]
Writer = Annotated[Caller, Depends(requires("messages:write"))]
Span = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=366))]


class Strict(BaseModel):
    """Unknown members are refused: a misspelt rule would silently not hold."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class WindowBody(Strict):
    """A rolling window (ISO 8601 duration), or a calendar one in the person's zone."""

    rolling: Span | None = None
    calendar: CalendarUnit | None = None
    week_starts: Weekday = "mon"

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.rolling is None) == (self.calendar is None):
            raise ValueError("give either rolling or calendar")
        return self

    def value(self) -> Rolling | Calendar:
        """Return the window as the domain has it."""
        if self.rolling is not None:
            return Rolling(self.rolling)
        return Calendar(self.calendar or "day", self.week_starts)


class CapBody(Strict):
    """At most `count` messages a person in the window; an absent set means all."""

    id: Name
    count: int = Field(ge=0, le=100_000)
    window: WindowBody
    channels: list[Name] = Field(default=[], max_length=50)
    categories: list[Name] = Field(default=[], max_length=200)
    campaigns: list[Name] = Field(default=[], max_length=1000)

    def value(self) -> Cap:
        """Return the cap as the domain has it."""
        sets = (frozenset(self.channels), frozenset(self.categories), frozenset(self.campaigns))
        return Cap(self.id, self.count, self.window.value(), *sets)


class QuietBody(Strict):
    """No sending between these clock times of the person; over midnight when `from` is later than `to`."""

    opens: time = Field(alias="from")
    closes: time = Field(alias="to")
    days: list[Weekday] = []
    channels: list[Name] = Field(default=[], max_length=50)
    then: Literal["defer", "drop"] = "defer"

    def value(self) -> Quiet:
        """Return the rule as the domain has it."""
        opens, closes = (t.hour * 60 + t.minute for t in (self.opens, self.closes))
        return Quiet(opens, closes, frozenset(self.days), frozenset(self.channels), self.then)


class DedupeBody(Strict):
    """The same content or topic not twice within the window."""

    by: Literal["content", "topic"]
    window: Span


class ArbitrationBody(Strict):
    """Candidates of one person that arrive within the window compete."""

    window: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=7))]


class HoldoutBody(Strict):
    """A fixed part of all persons gets nothing but transactional messages."""

    percent: float = Field(ge=0, le=100, allow_inf_nan=False)
    salt: Name = "holdout"


class SenderBody(Strict):
    """Who mail comes from; the address must belong to a domain of the relay."""

    address: Word = ""
    name: Word = ""
    reply_to: Word = ""


class PolicyBody(Strict):
    """All rules; what is left out does not hold."""

    caps: list[CapBody] = Field(default=[], max_length=200)
    quiet: list[QuietBody] = Field(default=[], max_length=50)
    dedupe: list[DedupeBody] | DedupeBody = []
    arbitration: ArbitrationBody | None = None
    holdout: HoldoutBody | None = None
    sender: SenderBody = SenderBody()
    zone: Word = Field(default="", description="for persons without one; empty: the workspace's")
    same_address_within: Span = timedelta(days=1)
    expires_after: Span = timedelta(days=3)

    def value(self) -> Policy:
        """Return the rules as the domain has them."""
        dedupe = self.dedupe if isinstance(self.dedupe, list) else [self.dedupe]
        holdout = self.holdout or HoldoutBody(percent=0)
        return Policy(
            caps=tuple(cap.value() for cap in self.caps),
            quiet=tuple(rule.value() for rule in self.quiet),
            dedupe=tuple(Dedupe(rule.by, rule.window) for rule in dedupe),
            arbitration_seconds=self.arbitration.window.total_seconds() if self.arbitration else 0.0,
            holdout_percent=holdout.percent,
            holdout_salt=holdout.salt,
            address_window_seconds=self.same_address_within.total_seconds(),
            expires_after_seconds=self.expires_after.total_seconds(),
            sender=Sender(self.sender.address, self.sender.name, self.sender.reply_to),
            zone=self.zone,
        )


class PolicyView(BaseModel):
    """The rules in force and their version."""

    version: int
    policy: PolicyBody


def check_policy(body: PolicyBody, domains: tuple[str, ...]) -> None:
    """Raise Invalid with a pointer to everything that cannot hold."""
    errors = []
    ids = [cap.id for cap in body.caps]
    errors += [
        FieldError(pointer=f"/caps/{place}/id", detail="this id is used twice", code="duplicate")
        for place, name in enumerate(ids)
        if name in ids[:place]
    ]
    if body.zone and not is_zone(body.zone):
        errors.append(FieldError(pointer="/zone", detail="no such time zone", code="unknown_zone"))
    if body.sender.address and not is_aligned(body.sender.address, domains):
        detail = f"the relay may send for {', '.join(domains)} and below"
        errors.append(FieldError(pointer="/sender/address", detail=detail, code="unaligned"))
    for name in ("name", "reply_to"):
        if has_control(getattr(body.sender, name)):
            errors.append(FieldError(pointer=f"/sender/{name}", detail="a line break in a header", code="header"))
    if errors:
        raise Invalid(f"{errors[0].pointer}: {errors[0].detail}", errors=errors)


@router.put("/policies")
async def put_policies(body: PolicyBody, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> PolicyView:
    """Replace the rules; they hold for every decision from now on, also for messages already queued."""
    check_policy(body, runtime.parts.settings.sending_domains)
    version = await put_policy(tx, caller.workspace_id, body.value(), now=runtime.now(caller.workspace_id))
    return PolicyView(version=version, policy=body)


@router.get("/policies")
async def get_policies(caller: Reader, tx: Transaction) -> PolicyView:
    """Return the rules in force."""
    version, policy = await current_policy(tx, caller.workspace_id)
    return PolicyView(version=version, policy=view_of(policy or Policy(zone="")))


def view_of(policy: Policy) -> PolicyBody:
    """Return the rules as they were put."""
    return PolicyBody(
        caps=[
            CapBody(
                id=cap.id,
                count=cap.count,
                window=WindowBody(rolling=cap.window.duration)
                if isinstance(cap.window, Rolling)
                else WindowBody(calendar=cap.window.unit, week_starts=cap.window.week_starts),
                channels=sorted(cap.channels),
                categories=sorted(cap.categories),
                campaigns=sorted(cap.campaigns),
            )
            for cap in policy.caps
        ],
        quiet=[
            QuietBody.model_validate(
                {
                    "from": _clock(rule.opens),
                    "to": _clock(rule.closes),
                    "days": sorted(rule.days),
                    "channels": sorted(rule.channels),
                    "then": rule.then,
                }
            )
            for rule in policy.quiet
        ],
        dedupe=[DedupeBody(by=rule.by, window=rule.window) for rule in policy.dedupe],
        arbitration=ArbitrationBody(window=timedelta(seconds=policy.arbitration_seconds))
        if policy.arbitration_seconds
        else None,
        holdout=HoldoutBody(percent=policy.holdout_percent, salt=policy.holdout_salt)
        if policy.holdout_percent
        else None,
        sender=SenderBody(address=policy.sender.address, name=policy.sender.name, reply_to=policy.sender.reply_to),
        zone=policy.zone,
        same_address_within=timedelta(seconds=policy.address_window_seconds),
        expires_after=timedelta(seconds=policy.expires_after_seconds),
    )


def _clock(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)
