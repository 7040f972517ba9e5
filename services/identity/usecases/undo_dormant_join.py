"""Somebody has a join at risk undone."""

from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict
from services.identity.domain.dormancy import Arrival
from services.identity.store import dormant_joins
from services.identity.store.nodes import Key, key
from services.identity.usecases.accept_dormant_join import open_join
from services.identity.usecases.find_person import FoundPerson, find_person_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.read_dormant_joins import read_dormant_joins
from services.identity.usecases.unmerge_person import unmerge_person


async def undo_dormant_join(tx: Tx, tools: GraphTools, workspace_id: int, join_id: UUID, *, author: str) -> Batch:
    """Part those who had an identifier from it and from who came to it, by evidence that lasts.

    The identifier goes with the newcomer. Raises NotFound; Conflict when it was decided before, when nothing is at risk
    any more, or when the two sides are held together in other ways than by the identifier.
    """
    row = await open_join(tx, workspace_id, join_id)
    [join], component = await read_dormant_joins(tx, tools, workspace_id, [row])
    if join.arrival is None:
        raise Conflict("nothing is at risk here any more", code="out_of_date")
    shared = key(workspace_id, row.node_no)
    found = await find_person_of(tx, tools, workspace_id, component.names[shared])
    old = _side(found, shared, join.arrival)
    leaving = [found.component.names[one] for one in found.mine if one not in old]
    batch = await unmerge_person(
        tx, tools, workspace_id, found.person.person_id, leaving=leaving, retired_id=None, author=author
    )
    await dormant_joins.decide(tx, workspace_id, join_id, state="undone", author=author, now=tools.now(workspace_id))
    return batch


def _side(found: FoundPerson, shared: Key, arrival: Arrival) -> set[Key]:
    """Return whom active links reach from those who had the identifier before, without it."""
    around: dict[Key, set[Key]] = {}
    for (low, high), link in found.component.links.items():
        if link.state == "active" and shared not in (low, high):
            around.setdefault(low, set()).add(high)
            around.setdefault(high, set()).add(low)
    reached = set(arrival.before)
    waiting = list(reached)
    while waiting:
        new = around.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    if arrival.newcomer in reached:
        raise Conflict("the two are held together in other ways; part them link by link", code="still_linked")
    return reached
