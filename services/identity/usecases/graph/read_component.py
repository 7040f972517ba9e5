"""A part of the graph read for people: names, links and their states, nothing locked."""

from collections.abc import Collection
from dataclasses import dataclass

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import LinkFacts
from services.identity.store import links, nodes, regions
from services.identity.store.links import LinkRow, Pair
from services.identity.store.nodes import Key, NodeRow, key
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools

MOST_NODES = 2_000
MOST_LINKS = 1_000


@dataclass(slots=True)
class SeenLink:
    """A link as it stands, all consent bases together; the state is empty where nothing ever spoke for it."""

    pair: Pair
    state: str
    reason: str
    blockers: tuple[Key, Key] | None
    facts: LinkFacts

    def other(self, one: Key) -> Key:
        """Return the end that is not this one."""
        return self.pair[1] if self.pair[0] == one else self.pair[0]


@dataclass(slots=True)
class Component:
    """Nodes by key with their names, and every link between them."""

    nodes: dict[Key, NodeRow]
    names: dict[Key, Identifier]
    links: dict[Pair, SeenLink]
    settling: set[Key]
    """Hubs that are looked at again in the background: they stay shared until then."""

    def around(self, one: Key) -> list[SeenLink]:
        """Return the links at a node."""
        return [link for pair, link in self.links.items() if one in pair]


async def read_component(tx: Tx, tools: GraphTools, workspace_id: int, keys: Collection[Key]) -> Component:
    """Read the raw component around nodes, as far as MOST_NODES."""
    numbers = [nodes.number_of(one) for one in keys]
    return await read_nodes(tx, tools, await nodes.component_around(tx, workspace_id, numbers, MOST_NODES))


async def read_nodes(tx: Tx, tools: GraphTools, keys: Collection[Key]) -> Component:
    """Read nodes with the links that touch them and the nodes at their far ends; of a crowd some links."""
    found: dict[Pair, list[LinkRow]] = {}
    degrees = await links.degrees(tx, keys, MOST_LINKS + 1) if keys else {}
    crowded = {one for one, degree in degrees.items() if degree > MOST_LINKS}
    rows = await links.around(tx, set(keys) - crowded)
    for one in crowded:
        # A statement a crowd: hardly anybody asks for two of them.
        rows += await links.some_rows(tx, one, MOST_LINKS)
    for pair, row in rows:
        about = found.setdefault(pair, [])
        if all(row.basis != one.basis for one in about):
            about.append(row)
    seen = {pair: _seen(pair, about) for pair, about in found.items()}
    wanted = set(keys) | links.ends(seen)
    wanted |= {one for link in seen.values() for one in link.blockers or ()}
    known = {row.key: row for row in await nodes.read(tx, wanted)}
    settling = await _settling(tx, tools, known)
    for link in seen.values():
        if link.state == "shared" and settling.intersection(link.pair):
            link.reason = "settling"
    return Component(known, {one: name_of(row, tools) for one, row in known.items()}, seen, settling)


async def _settling(tx: Tx, tools: GraphTools, known: dict[Key, NodeRow]) -> set[Key]:
    hubs = [row for row in known.values() if row.is_shared]
    if not hubs:
        return set()
    workspace_id = hubs[0].workspace_id
    numbers = await regions.settling(tx, workspace_id, [row.node_no for row in hubs], tools.now(workspace_id))
    return {key(workspace_id, number) for number in numbers}


def _seen(pair: Pair, rows: list[LinkRow]) -> SeenLink:
    facts = LinkFacts()
    for row in rows:
        facts.merge(row.facts)
    low, high = rows[0].blockers
    base = pair[0] >> 32
    blockers = (key(base, low), key(base, high)) if low is not None and high is not None else None
    return SeenLink(pair, rows[0].state or "", rows[0].reason, blockers, facts)
