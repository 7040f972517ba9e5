from datetime import datetime
from typing import ClassVar, Literal

from libs.common.contracts.event import Event


class ConsentChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What a person allows for a purpose on a channel changed; receivers keep the greatest `version`.

    It is said for the scopes that statements name (`*` every purpose or channel, no topic every topic) and for those
    where several of them meet: the narrowest that covers a question answers it; `unknown` says nothing. A grant that
    runs out does so at `until`, and is `after` from then on. `silent` marks what a merge or split did.
    """

    subject: ClassVar[str] = "profile.consent.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    purpose: str
    channel: str
    state: Literal["granted", "denied", "withdrawn", "unknown"]
    version: int
    topic: str = ""
    until: datetime | None = None
    after: Literal["denied", "withdrawn", "unknown"] = "unknown"
    silent: bool = False
