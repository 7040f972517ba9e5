from typing import ClassVar
from uuid import UUID

from libs.common.contracts.event import Event


class PersonErased(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A person asked to be forgotten: every receiver deletes what it holds under these numbers, and says so.

    `retired_nos` are the persons that had ended in his; the receipt is the receiver's own `*.forgotten`.
    """

    subject: ClassVar[str] = "identity.person.erased.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment", "journey", "messaging")

    person_id: UUID
    subject_nos: tuple[int, ...]
    erasure_id: UUID
    graph_version: int
    retired_nos: tuple[int, ...] = ()
