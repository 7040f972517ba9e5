"""The raw components around nodes, loaded level by level and locked as they grow; hubs end them."""

from collections.abc import Collection

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.store import links, nodes
from services.identity.store.links import Pair, ends
from services.identity.store.nodes import Key, NodeRow, workspace_of
from services.identity.usecases.graph.batch import Batch, Contended
from services.identity.usecases.graph.load_supersedes import load_supersedes, replaces
from services.identity.usecases.graph.standing_hubs import standing_hubs
from services.identity.usecases.graph.tools import GraphTools

MOST_HUB_LINKS = 500


async def load_regions(
    tx: Tx,
    batch: Batch,
    tools: GraphTools,
    stirred: set[Key],
    unsettled: set[Key],
    *,
    patient: bool = False,
    held: bool = False,
) -> set[Key]:
    """Load and lock everything the assignment of the `stirred` nodes may depend on; return the nodes to decide about.

    Growth never waits: a region that reaches nodes which somebody else holds is Contended, unless `patient`.
    A node's links are read after it is locked, and whoever adds a link holds both of its ends, so what is read stays.
    Hubs are not walked through, unless they (or a neighbour in `unsettled`) may fall below their threshold, or their
    links were added up anew; nor are links that wait in quarantine for their rate, which are loaded only if `held` are
    wanted.
    """
    batch.look_away()
    unsettled = set(unsettled)
    reopened = set(unsettled)
    decided: set[Key] = set()
    standing: set[Key] = set()
    frontier = set(stirred)
    while frontier:
        await _lock(tx, batch, tools, frontier, patient=patient)
        shared = {one for one in frontier if batch.nodes[one].is_shared}
        shared -= batch.reread
        standing |= await standing_hubs(tx, batch, shared & reopened - standing)
        hubs = shared - reopened | shared & standing
        walked = frontier - hubs | await _small_hubs(tx, batch, hubs)
        batch.watched |= frontier - walked
        batch.watched -= walked
        decided |= walked
        earlier = decided - walked
        frontier = await _neighbours(tx, batch, walked, earlier, reopened, unsettled, held=held) - decided
        frontier = frontier or _behind_successors(batch, reopened, unsettled) - decided
    await read_edge(tx, batch, tools, batch.links)
    await load_between_hubs(tx, batch)
    await load_supersedes(tx, batch, decided)
    await read_edge(tx, batch, tools, batch.distant)
    if batch.turn is None:
        batch.replacing |= {one for one in standing & unsettled if replaces(batch, one)}
    return decided


async def read_edge(tx: Tx, batch: Batch, tools: GraphTools, pairs: Collection[Pair]) -> None:
    """Read the ends of links that are not in hand, without a lock: nothing is decided about them."""
    edge = ends(pairs) - batch.nodes.keys()
    for row in await nodes.read(tx, edge) if edge else ():
        put_node(batch, tools, row)
        batch.watched.add(row.key)
        batch.unlocked.add(row.key)


async def load_between_hubs(tx: Tx, batch: Batch) -> None:
    """Load what is known of links between hubs that the batch speaks of: they are decided about by themselves."""
    spoken_of = {pair for pair, _ in batch.added if pair not in batch.hanging and batch.watched.issuperset(pair)}
    for pair, row in await links.rows_of(tx, spoken_of) if spoken_of else ():
        batch.links.setdefault(pair, {})[row.basis] = row


async def _lock(tx: Tx, batch: Batch, tools: GraphTools, frontier: set[Key], *, patient: bool) -> None:
    missing = [one for one in frontier if one not in batch.nodes]
    if not missing:
        return
    for row in await (nodes.lock if patient else nodes.lock_free)(tx, missing):
        put_node(batch, tools, row)
    if not batch.nodes.keys() >= frontier:
        raise Contended(frontier | batch.nodes.keys())


def within_reach(batch: Batch, decided: set[Key]) -> set[Key]:
    """Return nodes of regions and the far ends of all their links: evidence about the regions is centred on one.

    By the links, not by how a node came into the batch: what only a refusal or a retraction leads to may be locked
    from an attempt before, and is neither decided nor watched then.
    """
    return decided | {end for pair in batch.links if not decided.isdisjoint(pair) for end in pair}


def put_node(batch: Batch, tools: GraphTools, row: NodeRow) -> None:
    """Take a node into the batch, with its name in clear."""
    place = row.key
    batch.nodes[place] = row
    if place not in batch.names:
        batch.names[place] = name_of(row, tools)


def name_of(row: NodeRow, tools: GraphTools) -> Identifier:
    """Return a node's identifier in clear."""
    known = tools.named(row.workspace_id, row.lookup)
    if known is None:
        known = Identifier(row.namespace, row.scope, tools.sealer(row.workspace_id).open(row.sealed).decode())
        tools.remember_name(row.workspace_id, row.lookup, known)
    return known


async def _small_hubs(tx: Tx, batch: Batch, hubs: set[Key]) -> set[Key]:
    """Return the hubs to walk through all the same: where silence moves identifiers, and few links make it cheap."""
    concerned = [one for one in hubs if workspace_of(one) in batch.moving]
    if not concerned:
        return set()
    degrees = await links.degrees(tx, concerned, MOST_HUB_LINKS + 1)
    return {one for one in concerned if degrees.get(one, 0) <= MOST_HUB_LINKS}


async def _neighbours(
    tx: Tx,
    batch: Batch,
    walked: set[Key],
    earlier: set[Key],
    reopened: set[Key],
    unsettled: set[Key],
    *,
    held: bool,
) -> set[Key]:
    """Load the links around nodes and return the nodes they lead to; back to those walked `earlier` nothing leads."""
    stored = [one for one in walked if one not in batch.fresh]
    found: set[Key] = set()
    around = await links.around(tx, stored, held=held, known=batch.links, read_from=earlier) if stored else ()
    for pair, row in around:
        batch.links.setdefault(pair, {})[row.basis] = row
        if row.state == "active":
            found.update(pair)
            continue
        if not row.facts.is_claimed or row.is_held:
            continue
        if row.state != "shared":
            found.update(pair)
            continue
        near = [one for one in (pair, pair[::-1]) if one[0] in walked]
        if row.facts.is_twin:
            # A hub and its hashes stand and fall together.
            reopened.update(far for end, far in near if end in reopened)
        found.update(far for end, far in near if _leads_on(batch, end, far, reopened, unsettled))
    # Who comes to a hub is nobody's neighbour by that.
    spreading = walked - batch.rising
    for pair, _ in batch.added:
        if pair[0] in spreading or pair[1] in spreading:
            found.update(pair)
    return found


def _behind_successors(batch: Batch, reopened: set[Key], unsettled: set[Key]) -> set[Key]:
    """Return the hubs of identifiers that count, or count no more, because of what became of their successors.

    Of supersedes that make a circle one is void: which one, may change at the far end of a chain.
    """
    if not unsettled:
        return set()
    chains = [pair for pair, rows in batch.links.items() if any(row.facts.replaces for row in rows.values())]
    before = set(unsettled)
    while grown := [pair for pair in chains if unsettled.intersection(pair) and not unsettled.issuperset(pair)]:
        unsettled.update(end for pair in grown for end in pair)
    new = unsettled - before
    hubs = {
        far
        for pair, rows in (batch.links.items() if new else ())
        for end, far in (pair, pair[::-1])
        if end in new and any(row.state == "shared" for row in rows.values())
    }
    reopened |= hubs
    return hubs


def _leads_on(batch: Batch, end: Key, far: Key, reopened: set[Key], unsettled: set[Key]) -> bool:
    """Return whether a link to a hub is to be followed from `end`."""
    if end in unsettled:
        # A hub too may count towards another, or count there no more.
        reopened.add(far)
        return True
    return batch.nodes[end].is_shared or workspace_of(end) in batch.moving
