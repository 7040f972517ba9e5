from datetime import datetime
from typing import ClassVar

import msgspec

from libs.common.contracts.event import Event


class TraitChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A person's trait has a new value since `since`; a personal value travels in `sealed` as sealed JSON.

    Receivers keep, per person and name, the fact with the greatest `version`. `silent` marks what a merge or split
    did: no journey starts from it.
    """

    subject: ClassVar[str] = "profile.trait.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    name: str
    version: int
    since: datetime
    value: msgspec.Raw = msgspec.Raw(b"null")
    sealed: str | None = None
    removed: bool = False
    silent: bool = False
