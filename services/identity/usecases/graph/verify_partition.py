"""The stored partition held against one rebuilt from all evidence."""

from dataclasses import dataclass

import numpy as np

from libs.common.db import Tx
from services.identity.domain.rebuild import Outline, complete, outline
from services.identity.store import holds, nodes
from services.identity.store.nodes import NodeRow, key
from services.identity.store.whole_graph import WholeGraph, read_whole
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools


@dataclass(frozen=True, slots=True)
class Verified:
    """How many identifiers there are, in how many persons (an alias that no declaration holds is in none); `different`
    are those whose person or hub state is not the rebuilt one, `by_rule` those that array passes could not settle."""

    identifiers: int
    persons: int
    different: int
    by_rule: int


async def verify_partition(tx: Tx, tools: GraphTools, workspace_id: int) -> Verified:
    """Read the whole graph of a workspace, rebuild its persons from the evidence, and compare."""
    graph = await read_whole(tx, workspace_id)
    policies, now = await tools.present_policies(tx, workspace_id), tools.now(workspace_id)
    place = {number: place for place, number in enumerate(graph.node_no.tolist())}
    decided = {
        (place[low], place[high]): hold for (low, high), hold in (await holds.effective(tx, workspace_id)).items()
    }
    settled = outline(graph.columns, policies, now, decided)
    rows = {row.node_no: row for row in await _rows(tx, workspace_id, graph, settled)}
    named = [rows[one] for one in graph.node_no[settled.nodes].tolist()]
    names = [name_of(row, tools) for row in named]
    consents = {name: row.consents(now) for name, row in zip(names, named, strict=True) if row.permissions}
    told = complete(settled, graph.columns, names, policies, now, consents, decided)
    persons, first, stored = np.unique(graph.person_no, return_index=True, return_inverse=True)
    unowned = graph.person_no == 0
    wrong = np.where(unowned | told.nobodys, unowned != told.nobodys, first[stored] != told.person)
    different = wrong | (graph.shared != told.shared)
    return Verified(len(graph.node_no), int(np.count_nonzero(persons)), int(different.sum()), told.by_rule)


async def _rows(tx: Tx, workspace_id: int, graph: WholeGraph, settled: Outline) -> list[NodeRow]:
    numbers = graph.node_no[settled.nodes].tolist()
    return await nodes.read(tx, [key(workspace_id, one) for one in numbers]) if numbers else []
