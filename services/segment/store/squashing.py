"""Rows of the columnar store laid under their owner: copied, then the old ones deleted."""

import msgspec

from services.segment.domain.moved import copies_of
from services.segment.store.columnar import Columnar

COPY_SECONDS = 600
GATHERED = "min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 256000000"
"""A part for each million rows, not for each block that is read."""
_PAIRS = "select {columns} from squash where workspace_id = {workspace} and squash_no = {squash}"


async def tell_pairs(columnar: Columnar, workspace_id: int, squash_no: int, pairs: list[tuple[int, int, int]]) -> None:
    """Tell the store which rows (subject, person they lie under) go to whom; told again they stay single."""
    lines = [
        msgspec.json.encode(
            {
                "workspace_id": workspace_id,
                "squash_no": squash_no,
                "subject_no": subject_no,
                "person_no": person_no,
                "to_person_no": to_person_no,
            }
        )
        for subject_no, person_no, to_person_no in pairs
    ]
    await columnar.insert("squash", b"\n".join(lines), token=f"squash.{workspace_id}.{squash_no}")


async def copy_rows(columnar: Columnar, workspace_id: int, squash_no: int) -> None:
    """Copy the old rows under the persons they go to; all else of a row stays as it is."""
    targets = _pairs("distinct subject_no, to_person_no", workspace_id, squash_no) + " order by subject_no"
    person = (
        f"transform(subject_no, (select groupArray(subject_no) from ({targets})),"
        f" (select groupArray(to_person_no) from ({targets})), person_no)"
    )
    copies = f"toInt32({person}) as person_no, toInt32({copies_of(squash_no)}) as generation"
    await columnar.command(
        f"insert into event select * replace ({copies}) from ("
        f"select * from event where {_old_rows(workspace_id, squash_no)}"
        f") settings max_execution_time = {COPY_SECONDS}, {GATHERED}"
    )


async def clear_old(columnar: Columnar, workspace_id: int, squash_no: int) -> bool:
    """Delete the rows that were copied; return whether they are gone. It goes on behind our back until then."""
    return await _clear(columnar, _old_rows(workspace_id, squash_no))


async def clear_copies(columnar: Columnar, workspace_id: int, squash_no: int) -> bool:
    """Delete what was copied; return whether it is gone. It goes on behind our back until then."""
    return await _clear(columnar, f"workspace_id = {int(workspace_id)} and generation = {copies_of(squash_no)}")


async def retire_overrides(columnar: Columnar, workspace_id: int, subject_nos: list[int], *, before: int) -> None:
    """Delete the overrides of subjects all whose rows say their owner, and the pairs of squashes past."""
    if subject_nos:
        listed = ", ".join(str(int(number)) for number in subject_nos)
        older = f"workspace_id = {int(workspace_id)} and version < {int(before)} and subject_no in ({listed})"
        await columnar.delete_where("override", older)
    await columnar.delete_where("squash", f"workspace_id = {int(workspace_id)}")


def _pairs(columns: str, workspace_id: int, squash_no: int) -> str:
    return _PAIRS.format(columns=columns, workspace=int(workspace_id), squash=int(squash_no))


def _old_rows(workspace_id: int, squash_no: int) -> str:
    pairs = _pairs("subject_no, person_no", workspace_id, squash_no)
    return (
        f"workspace_id = {int(workspace_id)} and generation < {copies_of(squash_no)}"
        f" and (subject_no, person_no) in ({pairs})"
    )


async def _clear(columnar: Columnar, where: str) -> bool:
    if await columnar.is_deleting("event", "generation"):
        return False
    (left,) = await columnar.rows(f"select count() as rows from event where {where}", {})
    if left["rows"]:
        await columnar.delete_where("event", where, wait=False)
    return not left["rows"]
