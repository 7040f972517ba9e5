"""A part of the graph read for people: names, links and their states, nothing locked."""

from collections.abc import Collection
from dataclasses import dataclass

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import LinkFacts
from services.identity.store import links, nodes
from services.identity.store.links import LinkRow, Pair
from services.identity.store.nodes import Key, NodeRow, key
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools

MOST_NODES = 2_000


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

    def around(self, one: Key) -> list[SeenLink]:
        """Return the links at a node."""
        return [link for pair, link in self.links.items() if one in pair]


async def read_component(tx: Tx, tools: GraphTools, workspace_id: int, keys: Collection[Key]) -> Component:
    """Read the raw component around nodes, as far as MOST_NODES."""
    numbers = [nodes.number_of(one) for one in keys]
    return await read_nodes(tx, tools, await nodes.component_around(tx, workspace_id, numbers, MOST_NODES))


async def read_nodes(tx: Tx, tools: GraphTools, keys: Collection[Key]) -> Component:
    """Read nodes with all links that touch them and the nodes at their far ends."""
    found: dict[Pair, list[LinkRow]] = {}
    for pair, row in await links.around(tx, keys):
        rows = found.setdefault(pair, [])
        if all(row.basis != one.basis for one in rows):
            rows.append(row)
    seen = {pair: _seen(pair, rows) for pair, rows in found.items()}
    wanted = set(keys) | links.ends(seen)
    wanted |= {one for link in seen.values() for one in link.blockers or ()}
    known = {row.key: row for row in await nodes.read(tx, wanted)}
    return Component(known, {one: name_of(row, tools) for one, row in known.items()}, seen)


def _seen(pair: Pair, rows: list[LinkRow]) -> SeenLink:
    facts = LinkFacts()
    for row in rows:
        facts.merge(row.facts)
    low, high = rows[0].blockers
    base = pair[0] >> 32
    blockers = (key(base, low), key(base, high)) if low is not None and high is not None else None
    return SeenLink(pair, rows[0].state or "", rows[0].reason, blockers, facts)
