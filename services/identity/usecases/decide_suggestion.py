"""Somebody says of two suggested persons that they are one, or that they are not."""

from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, NotFound
from services.identity.store import nodes, persons, suggestions
from services.identity.store.nodes import key
from services.identity.store.suggestions import SuggestionRow
from services.identity.usecases.find_person import living
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.merge_persons import decision, merge_persons


async def decide_suggestion(
    tx: Tx, tools: GraphTools, workspace_id: int, suggestion_id: UUID, *, accept: bool, keep_apart: bool, author: str
) -> Batch | None:
    """Accept (evidence of tier 0 that the two are one) or refuse, for good; return what changed in the graph.

    With `keep_apart` a refusal is evidence too: whatever comes later, the two stay two. Raises Conflict when it was
    decided before, is out of date, or a limit of the identifiers stands in the way.
    """
    row = await _open(tx, tools, workspace_id, suggestion_id)
    batch: Batch | None = None
    if accept:
        one, other = [await _person_of(tx, workspace_id, number) for number in (row.low_person, row.high_person)]
        batch = await merge_persons(tx, tools, workspace_id, one, other, author=author)
    elif keep_apart:
        found = await nodes.read(tx, [key(workspace_id, row.low_no), key(workspace_id, row.high_no)])
        names = [name_of(node, tools) for node in found]
        said = decision("cannot_link", tools.now(workspace_id), *names)
        batch = await resolve_evidence(tx, [Fact(workspace_id, said, author)], tools)
    state = "accepted" if accept else "refused"
    await suggestions.decide(tx, workspace_id, suggestion_id, state=state, author=author, now=tools.now(workspace_id))
    return batch


async def _open(tx: Tx, tools: GraphTools, workspace_id: int, suggestion_id: UUID) -> SuggestionRow:
    state = await suggestions.lock(tx, workspace_id, suggestion_id)
    if state is None:
        raise NotFound("there is no such suggestion")
    if state != "open":
        raise Conflict(f"this suggestion was {state} before", code=state)
    policies = await tools.present_policies(tx, workspace_id)
    rows = await suggestions.list_rows(
        tx, workspace_id=workspace_id, suggestion_id=suggestion_id, limit=1, purposes=policies.purposes,
        now=tools.now(workspace_id),
    )  # fmt: skip
    if not rows:
        raise Conflict("the two are one person by now, or nothing suggests it any more", code="out_of_date")
    return rows[0]


async def _person_of(tx: Tx, workspace_id: int, number: int) -> UUID:
    row = (await persons.read(tx, [key(workspace_id, number)])).get(key(workspace_id, number))
    if row is None:
        raise Conflict("a side of the suggestion is nobody's", code="out_of_date")
    return (await living(tx, row)).person_id
