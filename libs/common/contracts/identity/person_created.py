from typing import ClassVar
from uuid import UUID

from libs.common.contracts.event import Event


class PersonCreated(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A human was seen for the first time; a revived person comes back under the number he had."""

    subject: ClassVar[str] = "identity.person.created.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("profile", "segment", "journey", "messaging")

    person_id: UUID
    graph_version: int
    revived: bool = False
