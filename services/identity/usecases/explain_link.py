"""Why two identifiers are one person, or are not."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import POSITIVE
from services.identity.store import evidence
from services.identity.store.evidence import EvidenceRow
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, number_of
from services.identity.usecases.find_person import find_node
from services.identity.usecases.graph.read_component import Component, SeenLink, read_component
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
    return await _explained(tx, component, here, there, path or [])


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
    return await _explained(tx, component, here, there, between if mine != theirs else [])


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


async def _explained(tx: Tx, component: Component, here: Key, there: Key, links: list[SeenLink]) -> Explanation:
    ends = {end for link in links for pair in (link.pair, link.blockers or ()) for end in pair}
    rows = await evidence.centred(tx, ends) if links else []
    witnesses: dict[Pair, list[EvidenceRow]] = {}
    refused: dict[Pair, int] = {}
    for link in links:
        about = _naming(rows, link.pair)
        witnesses[link.pair] = about[-MOST_EVIDENCE:]
        if link.reason == "cannot_link":
            refused[link.pair] = _spoken_since(about, _naming(rows, link.blockers or link.pair))
    mine, theirs = component.nodes[here].person_no, component.nodes[there].person_no
    same = here == there or (mine == theirs and mine > 0)
    return Explanation(same, component, links, witnesses, refused)


def _naming(rows: list[EvidenceRow], pair: Pair) -> list[EvidenceRow]:
    wanted = {number_of(end) for end in pair}
    return [row for row in rows if row.centre_no in wanted and wanted <= set(row.node_nos)]


def _spoken_since(about: list[EvidenceRow], decided: list[EvidenceRow]) -> int:
    """Count the facts for a link that arrived after somebody first said that the two are two."""
    said = min((row.first_received_at for row in decided if row.kind == "cannot_link"), default=None)
    return 0 if said is None else sum(row.kind in POSITIVE and row.first_received_at > said for row in about)
