"""What was superseded beyond the edge of regions: it counts towards no hub, and what superseded it may count again."""

from collections.abc import Iterator
from itertools import chain

from libs.common.db import Tx
from services.identity.store import links
from services.identity.store.links import ends
from services.identity.store.nodes import Key
from services.identity.usecases.graph.batch import Batch


async def load_supersedes(tx: Tx, batch: Batch, decided: set[Key]) -> None:
    """Load by what the hubs at the edge of regions were superseded, and by what that was, to the end.

    Their links are not loaded, but whether they count towards a hub among the `decided` nodes hangs on some of them: of
    supersedes that make a circle one is void, wherever it lies. Nothing of it is locked: whoever says more of one of
    these opens the hubs around it, and waits there for whoever holds them.
    """
    frontier = set(_counting(batch, decided)) if batch.watched - decided else set()
    asked: set[Key] = set()
    while frontier:
        asked |= frontier
        found = await links.superseding(tx, frontier)
        unread = found - batch.links.keys()
        rows = await links.rows_of(tx, unread) if unread else ()
        held = {pair for pair, row in rows if row.is_held}
        for pair, row in rows:
            if pair not in held:
                batch.distant.setdefault(pair, {})[row.basis] = row.facts
        # Of what is decided about all links are there.
        frontier = ends(found - held) - asked - decided


def replaces(batch: Batch, one: Key) -> bool:
    """Return whether it is known, or said by the batch, that a node superseded another or was superseded."""
    stored = (row.facts for pair, rows in batch.links.items() if one in pair for row in rows.values())
    said = (facts for (pair, _), facts in batch.added.items() if one in pair)
    return any(facts.replaces for facts in chain(stored, said))


def _counting(batch: Batch, decided: set[Key]) -> Iterator[Key]:
    """Yield the nodes outside that may count towards a hub inside, and those that superseded or were superseded."""
    for pair, rows in batch.links.items():
        yield from _beyond(batch, decided, pair, replaces=any(row.facts.replaces for row in rows.values()))
    for (pair, _), facts in batch.added.items():
        yield from _beyond(batch, decided, pair, replaces=facts.replaces)


def _beyond(batch: Batch, decided: set[Key], pair: tuple[Key, Key], *, replaces: bool) -> Iterator[Key]:
    if replaces:
        yield from (one for one in pair if one not in decided)
        return
    for end, far in (pair, pair[::-1]):
        # Who comes to a device that becomes a hub by the batch alone was never superseded.
        if end not in decided or far in decided or end in batch.rising:
            continue
        policies = batch.policies[batch.nodes[end].workspace_id]
        mine, theirs = (policies.of(batch.names[one].namespace) for one in (end, far))
        if mine.is_crowded_by(theirs):
            yield far
