from typing import ClassVar
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event


class Part(msgspec.Struct, frozen=True):
    """One side of a split with the identifiers it took along."""

    person_no: int
    person_id: UUID
    subject_nos: tuple[int, ...]
    revived: bool = False


class PersonSplit(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One person turned out to be several; `person_no` keeps the id, `parts` are those that left."""

    subject: ClassVar[str] = "identity.person.split.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment", "journey", "messaging")

    person_id: UUID
    parts: tuple[Part, ...]
    graph_version: int
