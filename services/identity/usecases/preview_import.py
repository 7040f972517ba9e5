"""Say what an import would do, without doing it."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from libs.common.db import Tx
from services.identity.domain.deduplication import event_key
from services.identity.domain.import_rows import Chunk
from services.identity.store import imports

SHOWN = 20


class Preview(msgspec.Struct):
    """What would change: rows that would be new, that are in the record already, and that cannot be taken."""

    rows: int = 0
    new: int = 0
    already_there: int = 0
    quarantined: int = 0
    personless: int = 0
    kinds: dict[str, int] = {}
    names: dict[str, int] = {}
    reasons: dict[str, int] = {}
    calls: list[dict[str, object]] = []
    bad: list[dict[str, object]] = []


async def preview_import(tx: Tx, *, preview: Preview, chunk: Chunk, workspace_id: int, source_id: int) -> Preview:
    """Return the preview extended by a chunk of rows."""
    keys: list[bytes] = list({event_key(workspace_id, source_id, row.message_id) for row in chunk.calls})
    known = await imports.count_known(tx, keys) if keys else 0
    return msgspec.structs.replace(
        preview,
        rows=preview.rows + len(chunk.calls) + len(chunk.bad),
        new=preview.new + len(keys) - known,
        already_there=preview.already_there + known + len(chunk.calls) - len(keys),
        quarantined=preview.quarantined + len(chunk.bad),
        personless=preview.personless + chunk.personless,
        kinds=_added(preview.kinds, (row.call.kind for row in chunk.calls)),
        names=_added(preview.names, (row.call.name for row in chunk.calls)),
        reasons=_added(preview.reasons, (row.refusal.reason for row in chunk.bad)),
        calls=[*preview.calls, *({"row": row.row_no, "call": row.call.body} for row in chunk.calls)][:SHOWN],
        bad=[
            *preview.bad,
            *(
                {
                    "row": row.row_no,
                    "reason": row.refusal.reason,
                    "pointer": row.refusal.pointer,
                    "detail": row.refusal.detail,
                }
                for row in chunk.bad
            ),
        ][:SHOWN],
    )


def _added(counts: dict[str, int], names: Iterable[str]) -> dict[str, int]:
    # The most frequent are what a reader looks for; a file with a name per row must not fill the answer.
    return dict((Counter(counts) + Counter(names)).most_common(200))
