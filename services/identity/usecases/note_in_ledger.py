"""Erasures written where no restore of the database reaches them, before they are committed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Unavailable
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.identity.store import erasures
from services.identity.store.erasure_ledger import ErasureLedger, LedgerEntry, sealed_identifiers
from services.identity.store.erasures import ErasureRow, Tombstone
from services.identity.usecases.erase_person import Erased


async def note_erased(ledger: ErasureLedger, erased: Erased, sealer: Sealer) -> None:
    """Write an erasure; called last in its transaction: what the ledger knows will be done, if by the next start."""
    entry = _entry(erased.row, erased.retired_ids, erased.tombstones, sealer)
    await _append(ledger, entry)


async def note_unwritten(
    tx: Tx, ledger: ErasureLedger, workspace_id: int, written: Sequence[LedgerEntry], sealer: Sealer
) -> None:
    """Write the erasures that the database knows and the ledger does not: the file was lost or begun later."""
    known = {entry.erasure_id for entry in written}
    for row in await erasures.all_rows(tx, workspace_id):
        if row.erasure_id in known:
            continue
        tombstones = await erasures.tombstones_of(tx, workspace_id, row.erasure_id)
        await _append(ledger, _entry(row, (), tombstones, sealer))


async def note_reopened(
    ledger: ErasureLedger, workspace_id: int, reopened: Sequence[Tombstone], author: str, sealer: Sealer, now: datetime
) -> None:
    """Write that identifiers may name somebody again."""
    entry = LedgerEntry(
        kind="reopened",
        erasure_id=new_id(),
        workspace_id=workspace_id,
        at=now,
        author=author,
        sealed=_sealed(reopened, sealer),
    )
    await _append(ledger, entry)


async def _append(ledger: ErasureLedger, entry: LedgerEntry) -> None:
    """Write a line; where that cannot be nothing is erased, for a restore would bring it back."""
    try:
        await asyncio.to_thread(ledger.append, entry)
    except OSError as error:
        raise Unavailable("the ledger of erasures cannot be written", code="ledger") from error


def _entry(
    row: ErasureRow, retired_ids: Sequence[UUID], tombstones: Sequence[Tombstone], sealer: Sealer
) -> LedgerEntry:
    return LedgerEntry(
        kind="erased",
        erasure_id=row.erasure_id,
        workspace_id=row.workspace_id,
        at=row.erased_at,
        person_id=row.person_id,
        retired_ids=tuple(retired_ids),
        author=row.author,
        reason=row.reason,
        sealed=_sealed(tombstones, sealer),
    )


def _sealed(tombstones: Sequence[Tombstone], sealer: Sealer) -> str:
    return sealed_identifiers(sealer, [(one.lookup, one.namespace, one.scope) for one in tombstones])
