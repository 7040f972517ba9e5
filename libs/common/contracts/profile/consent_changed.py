from typing import ClassVar, Literal

from libs.common.contracts.event import Event


class ConsentChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What a person allows for a purpose on a channel changed; receivers keep the greatest `version`."""

    subject: ClassVar[str] = "profile.consent.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ()

    purpose: str
    channel: str
    state: Literal["granted", "denied", "withdrawn", "unknown"]
    version: int
    topic: str = ""
