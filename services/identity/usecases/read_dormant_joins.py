"""Joins at risk as they stand: what their links say now, whichever way round it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.common.db import Tx
from services.identity.domain.dormancy import Arrival, arrivals_after_silence
from services.identity.domain.links import latest
from services.identity.store.dormant_joins import DormantJoinRow
from services.identity.store.links import AWAITED
from services.identity.store.nodes import Key, key
from services.identity.usecases.graph.read_component import Component, SeenLink, read_nodes
from services.identity.usecases.graph.tools import GraphTools


@dataclass(slots=True)
class DormantJoin:
    """A noted join; `arrival` is None when nothing is at risk any more."""

    row: DormantJoinRow
    arrival: Arrival | None


async def read_dormant_joins(
    tx: Tx, tools: GraphTools, workspace_id: int, rows: Sequence[DormantJoinRow]
) -> tuple[list[DormantJoin], Component]:
    """Return joins with what their links say now, and the links and identifiers around them."""
    policies = await tools.present_policies(tx, workspace_id)
    wanted = {key(workspace_id, number) for row in rows for number in (row.node_no, row.newcomer_no)}
    near = await read_nodes(tx, tools, {key(workspace_id, row.node_no) for row in rows})
    # Those who hold the identifiers, with everything that touches them: it says when they were last seen.
    component = await read_nodes(tx, tools, {end for pair in near.links for end in pair} | wanted)
    days = policies.safeguards.dormant_days
    found: list[DormantJoin] = []
    for row in rows:
        one, newcomer = key(workspace_id, row.node_no), key(workspace_id, row.newcomer_no)
        around = _holders(component, one)
        activity = {far: at for far, _ in around if (at := _activity(component, far)) is not None}
        silence = timedelta(days=days) if days is not None else timedelta.max
        arrivals = arrivals_after_silence(around, activity, silence)
        found.append(DormantJoin(row, next((each for each in arrivals if each.newcomer == newcomer), None)))
    return found, component


def _holders(component: Component, one: Key) -> list[tuple[Key, datetime]]:
    return [
        (link.other(one), link.facts.first_at)
        for link in component.around(one)
        if link.state == "active" and link.facts.first_at is not None and not link.facts.is_twin
    ]


def _activity(component: Component, one: Key) -> datetime | None:
    at = component.nodes[one].alone_at
    for link in component.around(one):
        if not _is_held(link):
            at = latest(at, link.facts.activity)
    return at


def _is_held(link: SeenLink) -> bool:
    return link.state == "quarantined" and link.reason in AWAITED
