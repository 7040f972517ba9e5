"""Somebody looks at links in quarantine: they are let go, or thrown away."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.domain.links import LinkFacts
from services.identity.store import holds, links, nodes
from services.identity.store.links import Pair
from services.identity.usecases.find_person import find_node
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.resolve_evidence import open_batch, reassign, take_in, under_locks
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.merge_persons import decision

AT_ONCE = 2_000
"""Links a call decides about: each brings a region along, and all of them are locked together."""


@dataclass(slots=True)
class Decided:
    """How many links were decided about, whether more of those meant wait, and what changed in the graph."""

    links: int
    more: bool
    batch: Batch


async def decide_quarantine(
    tx: Tx,
    tools: GraphTools,
    workspace_id: int,
    *,
    hold_ids: Collection[UUID],
    identifier: Identifier | None,
    source_id: int | None = None,
    thrown_away: bool,
    author: str,
) -> Decided:
    """Decide about links in quarantine: those named, all at an identifier, or all for a source's rate.

    AT_ONCE at a time. Released links count like any other. Of thrown away ones everything said so far is retracted: the
    same evidence, and older one, never brings them back. Deciding about an identifier ends the watch on what its
    sources say of it.
    """
    number = (await find_node(tx, tools, workspace_id, identifier)).node_no if identifier is not None else None
    node_nos = [number] if number is not None else []
    pairs = await holds.open_pairs(
        tx, workspace_id, hold_ids=hold_ids, node_nos=node_nos, source_ids=[] if source_id is None else [source_id],
        limit=AT_ONCE + 1,
    )  # fmt: skip
    more = len(pairs) > AT_ONCE
    pairs = pairs[:AT_ONCE]
    batch = await open_batch(tx, [workspace_id], tools)
    # Opened before anything is locked: whoever waits for numbers holds nothing that somebody else could want.
    retracting = await open_batch(tx, [workspace_id], tools) if thrown_away else batch
    ends = links.ends(pairs)

    async def work(*, patient: bool) -> None:
        await _decide(
            tx, workspace_id, pairs, node_nos, thrown_away=thrown_away, author=author, now=tools.now(workspace_id)
        )
        # Hubs are opened too: a supersede that was let go may take from those whom they reach.
        if not thrown_away:
            await reassign(tx, batch, tools, ends, ends, patient=patient)

    await under_locks(tx, batch, tools, ends, work)
    if thrown_away and pairs:
        batch = retracting
        batch.facts = await _retractions(tx, tools, workspace_id, pairs, author)
        await take_in(tx, batch, tools)
    return Decided(len(pairs), more, batch)


async def _decide(
    tx: Tx, workspace_id: int, pairs: list[Pair], node_nos: list[int], *, thrown_away: bool, author: str, now: datetime
) -> None:
    decided = await holds.decide(tx, workspace_id, pairs, thrown_away=thrown_away, author=author, now=now)
    await holds.close_strays(tx, workspace_id, node_nos, thrown_away=thrown_away)
    await links.forget_states(tx, decided)


async def _retractions(tx: Tx, tools: GraphTools, workspace_id: int, pairs: list[Pair], author: str) -> list[Fact]:
    names = {row.key: name_of(row, tools) for row in await nodes.read(tx, links.ends(pairs))}
    facts: dict[Pair, LinkFacts] = {}
    for pair, row in await links.rows_of(tx, pairs):
        facts.setdefault(pair, LinkFacts()).merge(row.facts)
    now = tools.now(workspace_id)
    said: list[Fact] = []
    for pair, about in sorted(facts.items()):
        # Evidence may lie some minutes ahead of the clock; what was said so far is what goes.
        at = max([now, *(time for time in about.seen if time is not None)])
        ends = [names[one] for one in pair]
        said.append(Fact(workspace_id, decision("retract", at, *ends), author))
        if about.forbids:
            # A retraction takes back that two were kept apart as well.
            said.append(Fact(workspace_id, decision("cannot_link", at + timedelta(microseconds=1), *ends), author))
    return said
