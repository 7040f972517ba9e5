"""A draft becomes a version that never changes; people inside stay on theirs or follow, as the author says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, FieldError, Invalid, NotFound
from services.journey.domain.editing import Deleted, deleted_nodes, moves_after
from services.journey.domain.graph import Graph
from services.journey.store.graphs import Graphs
from services.journey.store.journeys import JourneyRow, get_journey, insert_version, save_journey
from services.journey.store.publishing import Inside, count_inside, move_runs, release_timers
from services.journey.usecases.read_definition import sound_graph

Policy = Literal["pin", "follow"]


async def publish_journey(
    tx: Tx,
    *,
    workspace_id: int,
    journey_id: UUID,
    policy: Policy | None,
    deleted: Mapping[str, Deleted],
    published_by: str,
    graphs: Graphs,
    now: datetime,
) -> JourneyRow:
    """Publish the draft and return the journey; raises Invalid with pointers, also where a choice is missing."""
    journey = await get_journey(tx, workspace_id=workspace_id, journey_id=journey_id, lock=True)
    if journey is None:
        raise NotFound("there is no such journey")
    if journey.status == "stopped":
        raise Conflict("a stopped journey stays stopped; copy it to go on")
    graph = sound_graph(journey.draft, graphs)
    inside = await count_inside(tx, workspace_id=workspace_id, journey_id=journey_id)
    if inside and policy is None:
        count = sum(place.runs for place in inside)
        raise Invalid.at("/policy", f"{count} runs are inside: say pin (they finish on theirs) or follow", "missing")
    versions = sorted({place.version for place in inside}, reverse=True)
    known = await graphs.of(tx, [(workspace_id, journey_id, version) for version in versions])
    old = [known[workspace_id, journey_id, version] for version in versions]
    moves = moves_after(old, graph, deleted) if policy == "follow" else {}
    if policy == "follow":
        _every_deleted_node_is_decided(old, graph, inside, deleted)
    version = journey.version + 1
    await insert_version(
        tx, workspace_id=workspace_id, journey_id=journey_id, version=version, definition=journey.draft,
        moves={node: {"to": move.to, "exits": move.exits} for node, move in moves.items()}, inside=policy or "pin",
        published_by=published_by, now=now,
    )  # fmt: skip
    status = "live" if journey.status == "draft" else journey.status
    journey = journey._replace(version=version, status=status, changed_at=now)
    await save_journey(tx, workspace_id=workspace_id, journey=journey, now=now)
    if policy == "follow" and inside:
        staying = [node for node in deleted_nodes(old, graph) if deleted.get(node) == "stay"]
        await move_runs(tx, workspace_id=workspace_id, journey_id=journey_id, version=version, staying=staying)
        await release_timers(tx, workspace_id=workspace_id, journey_id=journey_id, now=now)
    return journey


def _every_deleted_node_is_decided(
    old: Sequence[Graph], new: Graph, inside: Sequence[Inside], deleted: Mapping[str, Deleted]
) -> None:
    gone = deleted_nodes(old, new)
    errors = [
        FieldError(
            pointer=f"/deleted/{node}", code="missing",
            detail=f"{count} runs stand in this node: say next, exit or stay",
        )
        for node, count in sorted({p.node: p.runs for p in inside}.items())
        if node in gone and node not in deleted
    ]  # fmt: skip
    if errors:
        raise Invalid("a node with people in it was deleted", errors=errors)
