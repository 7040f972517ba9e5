"""The stored partition held against one rebuilt from all evidence."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from libs.common.db import Tx
from services.identity.domain.columns import Flags, Ints
from services.identity.domain.evidence import Identifier
from services.identity.domain.policy import PolicySet
from services.identity.domain.rebuild import Holds, Outline, Rebuilt, complete, outline
from services.identity.domain.seen_alone import seen_alone
from services.identity.store import holds, nodes
from services.identity.store.nodes import NodeRow, key
from services.identity.store.whole_graph import WholeGraph, read_whole
from services.identity.usecases.graph.tools import GraphTools


@dataclass(frozen=True, slots=True)
class Verified:
    """How many identifiers there are, in how many persons (an alias that no declaration holds is in none).

    `different` are those whose hub state or time without a link is not what the evidence says, or whose person has
    lost or gained anybody; `by_rule` those that array passes could not settle. `to_reread` are nodes by number: what is
    different, and beside whom it is and should be; their regions read anew are as the evidence says.
    """

    identifiers: int
    persons: int
    different: int
    by_rule: int
    to_reread: list[int]


async def verify_partition(tx: Tx, tools: GraphTools, workspace_id: int) -> Verified:
    """Read the whole graph of a workspace, rebuild its persons from the evidence, and compare.

    Beside workers at work `tx` has to be a snapshot. What is due by time alone and not looked at yet is different, too.
    """
    graph = await read_whole(tx, workspace_id)
    policies, now = await tools.present_policies(tx, workspace_id), tools.now(workspace_id)
    place = {number: place for place, number in enumerate(graph.node_no.tolist())}
    decided = {
        (place[low], place[high]): hold for (low, high), hold in (await holds.effective(tx, workspace_id)).items()
    }
    # The passes over a large graph take seconds.
    settled = await asyncio.to_thread(outline, graph.columns, policies, now, decided)
    rows = {row.node_no: row for row in await _rows(tx, workspace_id, graph, settled)}
    named = [rows[one] for one in graph.node_no[settled.nodes].tolist()]
    return await asyncio.to_thread(_judge, graph, settled, named, tools, policies, now, decided)


def _judge(
    graph: WholeGraph,
    settled: Outline,
    named: list[NodeRow],
    tools: GraphTools,
    policies: PolicySet,
    now: datetime,
    decided: Holds,
) -> Verified:
    sealer = tools.sealer
    # Not `name_of`: what is remembered of names is the event loop's.
    names = [Identifier(row.namespace, row.scope, sealer(row.workspace_id).open(row.sealed).decode()) for row in named]
    consents = {name: row.consents(now) for name, row in zip(names, named, strict=True) if row.permissions}
    told = complete(settled, graph.columns, names, policies, now, consents, decided)
    persons, first, stored = np.unique(graph.person_no, return_index=True, return_inverse=True)
    places, unowned = np.arange(len(stored)), graph.person_no == 0
    beside = np.where(unowned, places, first[stored])
    wrong = _in_other_company(beside, np.where(told.nobodys, places, told.person))
    wrong |= (unowned != told.nobodys) | (graph.shared != told.shared)
    wrong |= graph.alone_at != seen_alone(graph.columns, policies)
    return Verified(
        identifiers=len(graph.node_no),
        persons=int(np.count_nonzero(persons)),
        different=int(wrong.sum()),
        by_rule=told.by_rule,
        to_reread=graph.node_no[_around(wrong, beside, told)].tolist(),
    )


def _in_other_company(stored: Ints, told: Ints) -> Flags:
    """Who is with others than he should be; persons are named by one of their places in both."""
    if np.array_equal(stored, told):
        return np.zeros(len(stored), dtype=bool)
    _, pair, sizes = np.unique(stored * len(stored) + told, return_inverse=True, return_counts=True)
    common = sizes[pair]
    wrong: Flags = (np.bincount(stored)[stored] != common) | (np.bincount(told)[told] != common)
    return wrong


def _around(wrong: Flags, beside: Ints, told: Rebuilt) -> Ints:
    places: Ints = np.unique(np.concatenate([np.flatnonzero(wrong), beside[wrong], told.person[wrong]]))
    return places


async def _rows(tx: Tx, workspace_id: int, graph: WholeGraph, settled: Outline) -> list[NodeRow]:
    numbers = graph.node_no[settled.nodes].tolist()
    return await nodes.read(tx, [key(workspace_id, one) for one in numbers]) if numbers else []
