from typing import ClassVar

from libs.common.contracts.event import Event


class ContactChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A person has a usable address for a channel now, or has none any more; which one is not said.

    Receivers keep the greatest `version`. `silent` marks what a merge or split did.
    """

    subject: ClassVar[str] = "profile.contact.changed.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    channel: str
    usable: bool
    version: int
    silent: bool = False
