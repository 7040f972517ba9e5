from typing import ClassVar

from libs.common.contracts.event import Event


class IdentifierMoved(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An identifier changed its owner without merging anybody; `person_no` is the new owner."""

    subject: ClassVar[str] = "identity.identifier.moved.v1"
    heard_by: ClassVar[tuple[str, ...]] = ()

    subject_no: int
    from_person_no: int
    graph_version: int
