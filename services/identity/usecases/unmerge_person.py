"""An operator says that a person is two: evidence of tier 0 against the links that hold the two sides together."""

from collections.abc import Collection
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, Invalid
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import rank
from services.identity.store import history
from services.identity.store.nodes import Key, number_of
from services.identity.usecases.find_person import FoundPerson, find_person
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.merge_persons import decision


async def unmerge_person(
    tx: Tx,
    tools: GraphTools,
    workspace_id: int,
    person_id: UUID,
    *,
    leaving: Collection[Identifier],
    retired_id: UUID | None,
    author: str,
) -> Batch:
    """Part identifiers from a person: those named, or those that were another's whose id ended in his.

    Every link between the two sides is refused, and so are their strongest identifiers for each other, whatever
    evidence comes later; the retired id comes back on the side that bore it. Raises Invalid for a side that is empty.
    """
    found = await find_person(tx, tools, workspace_id, person_id)
    away = _named(found, leaving)
    if retired_id is not None:
        away |= await _brought_along(tx, workspace_id, found, retired_id)
    stay = set(found.mine) - away
    if not away or not stay:
        raise Invalid.at("/leaving", "name some of the person's identifiers, but not all of them")
    policies = await tools.present_policies(tx, workspace_id)
    names = found.component.names

    def anchor(side: set[Key]) -> Identifier:
        return min((names[one] for one in side), key=lambda one: rank(one, policies))

    pairs = {(anchor(stay), anchor(away))}
    at = tools.now(workspace_id)
    for (low, high), link in found.component.links.items():
        if {low, high} & stay and {low, high} & away:
            pairs.add((names[low], names[high]))
            # A merge that took refusals back is dated behind them, which is ahead of a clock that stands still.
            at = max(at, link.facts.must_at or at)
    facts = [Fact(workspace_id, decision("cannot_link", at, *pair), author) for pair in sorted(pairs)]
    batch = await resolve_evidence(tx, facts, tools)
    persons = [{batch.nodes[one].person_no for one in side if one in batch.nodes} for side in (stay, away)]
    if persons[0] & persons[1]:
        raise Conflict("the two sides are held together in other ways; part them link by link", code="still_linked")
    return batch


def _named(found: FoundPerson, leaving: Collection[Identifier]) -> set[Key]:
    by_name = {found.component.names[one]: one for one in found.mine}
    unknown = [one for one in leaving if one not in by_name]
    if unknown:
        raise Invalid.at("/leaving", f"this person has no {unknown[0].namespace} of this value")
    return {by_name[one] for one in leaving}


async def _brought_along(tx: Tx, workspace_id: int, found: FoundPerson, retired_id: UUID) -> set[Key]:
    """Return what a person had when he ended: more than was born to him, where others had ended in him before.

    A device that changes hands is told by event times, not by who ended when: it goes where it was first seen.
    """
    row = next((one for one in found.retired if one.person_id == retired_id), None)
    if row is None:
        raise Invalid.at("/retired_id", "this id was not merged into the person")
    numbers = [number_of(one) for one in found.mine]
    ended = await history.ended_at(tx, workspace_id, row.person_no)
    owners = await history.owners_before(tx, workspace_id, numbers, ended)
    timed = {one for one in found.mine if found.component.nodes[one].is_timed}
    born = {one for one in timed if found.component.nodes[one].born_no == row.person_no}
    return born | {one for one in set(found.mine) - timed if owners.get(number_of(one)) == row.person_no}
