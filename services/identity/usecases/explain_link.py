"""Why two identifiers are one person, or are not."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import POSITIVE, pairs
from services.identity.domain.policy import PolicySet
from services.identity.store import evidence
from services.identity.store.evidence import EvidenceRow
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, number_of, workspace_of
from services.identity.usecases.find_person import find_node
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.read_component import Component, SeenLink, read_component
from services.identity.usecases.graph.stored_evidence import evidence_of, name_nodes
from services.identity.usecases.graph.tools import GraphTools

MOST_EVIDENCE = 20


@dataclass(slots=True)
class Explanation:
    """Links that lead from one identifier to another, with the youngest evidence of each."""

    is_one_person: bool
    component: Component
    links: list[SeenLink]
    evidence: dict[Pair, list[EvidenceRow]]
    refused: dict[Pair, int]
    """How many facts spoke for a link since somebody said that the two are two."""


async def explain_link(tx: Tx, tools: GraphTools, workspace_id: int, one: Identifier, other: Identifier) -> Explanation:
    """Return the shortest path of active links between two identifiers; no links when they are two people."""
    here, there, component = await _both(tx, tools, workspace_id, one, other)
    path = _path(component, here, there, lambda link: link.state == "active")
    return await _explained(tx, tools, component, here, there, path or [])


async def explain_refusal(
    tx: Tx, tools: GraphTools, workspace_id: int, one: Identifier, other: Identifier
) -> Explanation:
    """Return the links that were refused between two people, or on the way from one to the other.

    No links when nothing ever spoke for the two being one.
    """
    here, there, component = await _both(tx, tools, workspace_id, one, other)
    mine, theirs = component.nodes[here].person_no, component.nodes[there].person_no
    between = [
        link
        for pair, link in component.links.items()
        if link.state not in {"", "active"} and {component.nodes[end].person_no for end in pair} == {mine, theirs}
    ]
    if not between and mine != theirs:
        between = [
            link
            for link in _path(component, here, there, lambda link: bool(link.state)) or []
            if link.state != "active"
        ]
    return await _explained(tx, tools, component, here, there, between if mine != theirs else [])


async def _both(
    tx: Tx, tools: GraphTools, workspace_id: int, one: Identifier, other: Identifier
) -> tuple[Key, Key, Component]:
    here = (await find_node(tx, tools, workspace_id, one)).key
    there = (await find_node(tx, tools, workspace_id, other)).key
    return here, there, await read_component(tx, tools, workspace_id, {here, there})


def _path(component: Component, here: Key, there: Key, holds: Callable[[SeenLink], bool]) -> list[SeenLink] | None:
    around: dict[Key, list[SeenLink]] = {}
    for pair, link in sorted(component.links.items()):
        if holds(link):
            for end in pair:
                around.setdefault(end, []).append(link)
    came: dict[Key, SeenLink | None] = {here: None}
    queue = deque([here])
    while queue and there not in came:
        now = queue.popleft()
        for link in around.get(now, ()):
            if link.other(now) not in came:
                came[link.other(now)] = link
                queue.append(link.other(now))
    return _way_back(came, there) if there in came else None


def _way_back(came: dict[Key, SeenLink | None], there: Key) -> list[SeenLink]:
    path: list[SeenLink] = []
    at = there
    while (step := came[at]) is not None:
        path.append(step)
        at = step.other(at)
    return path[::-1]


async def _explained(
    tx: Tx, tools: GraphTools, component: Component, here: Key, there: Key, links: list[SeenLink]
) -> Explanation:
    forbidden = {link.pair: link.blockers or link.pair for link in links if link.reason == "cannot_link"}
    wanted = {link.pair for link in links} | set(forbidden.values())
    about = await _witnesses(tx, tools, component, wanted) if links else {}
    refused = {pair: _spoken_since(about[pair], about[apart]) for pair, apart in forbidden.items()}
    mine, theirs = component.nodes[here].person_no, component.nodes[there].person_no
    same = here == there or (mine == theirs and mine > 0)
    return Explanation(
        same, component, links, {link.pair: about[link.pair][-MOST_EVIDENCE:] for link in links}, refused
    )


async def _witnesses(
    tx: Tx, tools: GraphTools, component: Component, wanted: Collection[Pair]
) -> dict[Pair, list[EvidenceRow]]:
    """Return the evidence of pairs, the oldest first.

    Most lies in the middle of an end of it. What came under other policies may lie elsewhere, and what keeps three
    apart lies with one of them: the middle is linked to an end in any case.
    """
    ends = {end for pair in wanted for end in pair}
    workspace_id = workspace_of(next(iter(ends)))
    policies = await tools.present_policies(tx, workspace_id)
    rows = await evidence.centred(tx, ends)
    found = await _by_pair(tx, tools, component, policies, rows, wanted)
    short = {end for pair, rows_of in found.items() if len(rows_of) < _count(component, pair) for end in pair}
    if short:
        near = {end for pair in component.links if short.intersection(pair) for end in pair} - ends
        more = await evidence.naming(tx, workspace_id, _numbers(short), _numbers(near))
        known = {(row.event_id, row.part) for row in rows}
        rows += [row for row in more if (row.event_id, row.part) not in known]
        rows.sort(key=lambda row: (row.event_time, row.event_id, row.part))
        found = await _by_pair(tx, tools, component, policies, rows, wanted)
    return found


def _count(component: Component, pair: Pair) -> int:
    """Return how many facts a link is the sum of."""
    link = component.links.get((min(pair), max(pair)))
    return link.facts.evidence_count if link is not None else 1


def _numbers(keys: Collection[Key]) -> list[int]:
    return [number_of(one) for one in keys]


async def _by_pair(
    tx: Tx,
    tools: GraphTools,
    component: Component,
    policies: PolicySet,
    rows: list[EvidenceRow],
    wanted: Collection[Pair],
) -> dict[Pair, list[EvidenceRow]]:
    """Return those rows that speak of each pair as the policies in force read them."""
    batch = Batch((), {}, {}, names=dict(component.names))
    numbered = [set(_numbers(pair)) for pair in wanted]
    naming = [row for row in rows if any(ends <= set(row.node_nos) for ends in numbered)]
    await name_nodes(tx, batch, tools, naming)
    names = {pair: {batch.names[end] for end in pair} for pair in wanted}
    found: dict[Pair, list[EvidenceRow]] = {pair: [] for pair in wanted}
    for row in naming:
        said = [set(pair) for pair in pairs(evidence_of(row, batch), policies)]
        for pair, named in names.items():
            if named in said:
                found[pair].append(row)
    return found


def _spoken_since(about: list[EvidenceRow], decided: list[EvidenceRow]) -> int:
    """Count the facts for a link that arrived after somebody first said that the two are two."""
    said = min((row.first_received_at for row in decided if row.kind == "cannot_link"), default=None)
    return 0 if said is None else sum(row.kind in POSITIVE and row.first_received_at > said for row in about)
