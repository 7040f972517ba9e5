from typing import ClassVar

from libs.common.contracts.event import Event


class TraitDeclared(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A trait is declared to be of a type (text, number, boolean, time, date, list, object), or of none any more.

    Receivers keep, per name, the fact with the greatest `version`.
    """

    subject: ClassVar[str] = "profile.trait.declared.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    name: str
    version: int
    type: str | None = None
