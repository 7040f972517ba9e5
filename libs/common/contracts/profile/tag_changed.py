from datetime import datetime
from typing import ClassVar

from libs.common.contracts.event import Event


class TagChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A person has a tag since `since` (and has it no more at `until`), or lost it.

    Receivers keep the greatest `version`. `silent` marks what a merge or split did.
    """

    subject: ClassVar[str] = "profile.tag.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    tag: str
    held: bool
    version: int
    since: datetime | None = None
    until: datetime | None = None
    source: str = ""
    rule_version: int = 0
    silent: bool = False
