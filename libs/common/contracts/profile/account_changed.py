from datetime import datetime
from typing import ClassVar

import msgspec

from libs.common.contracts.event import Event


class AccountChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A trait of an account (the `groupId` of group calls) has a new value since `since`.

    A personal value travels in `sealed` as sealed JSON. Receivers keep, per account and name, the fact with the
    greatest `version`. Who belongs to the account is said by `identity.event.recorded` (kind `group`).
    """

    subject: ClassVar[str] = "profile.account.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    account: str
    name: str
    version: int
    since: datetime
    value: msgspec.Raw = msgspec.Raw(b"null")
    sealed: str | None = None
    removed: bool = False
