"""What is allowed with an identifier for a purpose whatever the channel, and how it changed in time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from services.profile.domain.consent import ANY, Scope, Statement, verdict_of_identifier

PermissionState = Literal["granted", "withdrawn", "unknown"]


class Step(NamedTuple):
    """From an instant on, until the next step, this is what counts."""

    since: datetime
    state: PermissionState


def permissions_of(statements: Iterable[Statement]) -> dict[str, tuple[Step, ...]]:
    """Return the steps of every purpose that one identifier's statements name for all channels, oldest first.

    A function of the set of statements: late ones change the past, expiring grants the future.
    """
    said = [one for one in statements if one.scope.channel == ANY and not one.scope.topic]
    found = {purpose: _steps(said, Scope(purpose, ANY)) for purpose in sorted({one.scope.purpose for one in said})}
    return {purpose: steps for purpose, steps in found.items() if steps}


def _steps(said: list[Statement], question: Scope) -> tuple[Step, ...]:
    covering = [one for one in said if one.scope.covers(question)]
    instants = {at for one in covering for at in (one.event_time, one.expires_at) if at is not None}
    steps: list[Step] = []
    for at in sorted(instants):
        verdict = verdict_of_identifier([one for one in covering if one.event_time <= at], question, at)
        state: PermissionState = "withdrawn" if verdict.state == "denied" else verdict.state
        if state != (steps[-1].state if steps else "unknown"):
            steps.append(Step(at, state))
    return tuple(steps)
