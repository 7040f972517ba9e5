"""A contract of the sample service."""

from datetime import UTC, datetime
from typing import ClassVar

from libs.common.contracts.event import Event

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class NoteWritten(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A note was written."""

    subject: ClassVar[str] = "sample.note.written.v1"

    text: str


def a_note(text: str = "hello", *, workspace_id: int = 1, person_no: int = 1, **fields) -> NoteWritten:
    return NoteWritten(
        text=text,
        workspace_id=workspace_id,
        person_no=person_no,
        **{"received_at": NOON, "occurred_at": NOON, **fields},
    )
