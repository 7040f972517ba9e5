from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from libs.common.contracts.event import Event


class PermissionStep(msgspec.Struct, frozen=True):
    """From an instant on, until the next step, this is what counts."""

    since: datetime
    state: Literal["granted", "withdrawn", "unknown"]


class PermissionChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What is allowed with an identifier for a purpose, whatever the channel (`*`: every purpose not told apart).

    `steps` are the whole of it, oldest first; none: nothing is said of it any more. Receivers keep, per `subject_no`
    and `purpose`, those of the greatest `version`.
    """

    subject: ClassVar[str] = "profile.permission.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("identity",)

    subject_no: int
    purpose: str
    version: int
    steps: tuple[PermissionStep, ...] = ()
