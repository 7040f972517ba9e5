"""What an erasure takes of the tables that every service has."""

from collections.abc import Collection

import msgspec

from libs.common.db import Tx, statement

_LETTERS = statement("select dead_letter_id, event from dead_letter where workspace_id = :workspace_id")
_DELETE = statement("delete from dead_letter where workspace_id = :workspace_id and dead_letter_id = any(:ids::uuid[])")


class _About(msgspec.Struct):
    """Whom an event is about, whatever else it says."""

    person_no: int = 0
    subject_no: int = 0


_about = msgspec.json.Decoder(_About)


async def forget_dead_letters(
    tx: Tx, workspace_id: int, *, person_nos: Collection[int], subject_nos: Collection[int]
) -> int:
    """Delete events that could not be handled and are about an erased person; return how many.

    One that cannot be read may be about anybody: it stays, sealed, until somebody settles it.
    """
    persons, subjects = set(person_nos) - {0}, set(subject_nos) - {0}
    gone = []
    for row in await tx.fetch(_LETTERS, workspace_id=workspace_id):
        try:
            about = _about.decode(row["event"])
        except (msgspec.DecodeError, msgspec.ValidationError):
            continue
        if about.person_no in persons or about.subject_no in subjects:
            gone.append(row["dead_letter_id"])
    return await tx.execute(_DELETE, workspace_id=workspace_id, ids=gone) if gone else 0
