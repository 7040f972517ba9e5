"""Many persons by number or id, for those who hold only that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.db import Tx
from services.identity.store import persons
from services.identity.store.nodes import key
from services.identity.store.persons import PersonRow


@dataclass(slots=True)
class LookedUp:
    """A person as asked for, and the living one he is now (None when erased)."""

    person: PersonRow
    living: PersonRow | None


async def look_up_persons(
    tx: Tx, workspace_id: int, person_nos: Collection[int], person_ids: Sequence[UUID]
) -> list[LookedUp]:
    """Return those persons that exist, by number."""
    rows = await persons.read(tx, [key(workspace_id, one) for one in person_nos]) if person_nos else {}
    for row in await persons.by_ids(tx, workspace_id, person_ids) if person_ids else ():
        rows[row.key] = row
    targets = {key(workspace_id, row.redirect_to) for row in rows.values() if row.redirect_to is not None}
    found = {**rows, **(await persons.read(tx, targets - rows.keys()) if targets - rows.keys() else {})}
    looked_up: list[LookedUp] = []
    for _, row in sorted(rows.items()):
        living = row if row.redirect_to is None else found[key(workspace_id, row.redirect_to)]
        looked_up.append(LookedUp(row, living if living.state == "active" else None))
    return looked_up
