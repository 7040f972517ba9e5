from typing import ClassVar
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event


class Absorbed(msgspec.Struct, frozen=True):
    """A person that ended in a merge."""

    person_no: int
    person_id: UUID


class PersonMerged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Several persons turned out to be one; `person_no` is the survivor, the others redirect to him."""

    subject: ClassVar[str] = "identity.person.merged.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment", "journey", "messaging")

    person_id: UUID
    absorbed: tuple[Absorbed, ...]
    graph_version: int
