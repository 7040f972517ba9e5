"""Evidence taken into the graph: the one way in for events, callers and operators."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from libs.common import outbox
from libs.common.db import Tx
from libs.common.errors import Unavailable
from services.identity.domain.basis import with_basis
from services.identity.store import nodes, regions
from services.identity.store.nodes import Key, workspace_of
from services.identity.usecases.graph.add_respellings import add_respellings
from services.identity.usecases.graph.assign_regions import Outcome, leave_hanging
from services.identity.usecases.graph.assign_within_rates import assign_within_rates
from services.identity.usecases.graph.batch import Batch, Contended, Fact
from services.identity.usecases.graph.find_twins import find_twins
from services.identity.usecases.graph.gather_evidence import gather_evidence
from services.identity.usecases.graph.identify_nodes import identify_nodes
from services.identity.usecases.graph.load_regions import load_regions, put_node
from services.identity.usecases.graph.name_derived import name_derived
from services.identity.usecases.graph.note_dormant import note_dormant
from services.identity.usecases.graph.save_graph import save_graph
from services.identity.usecases.graph.settle_persons import settle_persons
from services.identity.usecases.graph.tell_changes import tell_changes
from services.identity.usecases.graph.time_devices import time_devices
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.trip_breaker import trip_breaker
from services.identity.usecases.graph.unmake_unsaid import unmake_unsaid

ATTEMPTS = 8
SPARE_PERSONS = 16
"""Numbers taken before anything is locked: whoever waits for the next block holds nothing that one could want."""


async def resolve_evidence(tx: Tx, facts: Sequence[Fact], tools: GraphTools) -> Batch:
    """Append evidence of any workspaces and bring the partition up to date; return the batch with its nodes' owners."""
    batch = await open_batch(tx, {fact.workspace_id for fact in facts}, tools)
    batch.facts = facts
    await take_in(tx, batch, tools)
    return batch


async def open_batch(tx: Tx, workspace_ids: Collection[int], tools: GraphTools) -> Batch:
    """Return an empty batch under the policies and clocks of its workspaces, with some numbers for new persons."""
    policies = await tools.policies_in_force(tx, workspace_ids)
    moving = {one for one, found in policies.items() if found.reassigns}
    batch = Batch((), policies, {one: tools.now(one) for one in workspace_ids}, moving=moving)
    for workspace_id in sorted(policies):
        batch.spare_persons[workspace_id] = await tools.numbers.take(tx, workspace_id, "person", SPARE_PERSONS)
        tx.after_commit(partial(_give_back, batch, tools, workspace_id))
    return batch


def _give_back(batch: Batch, tools: GraphTools, workspace_id: int) -> None:
    tools.numbers.give_back(workspace_id, "person", batch.spare_persons.pop(workspace_id, []))


async def take_in(tx: Tx, batch: Batch, tools: GraphTools) -> None:
    """Take a batch's facts into the graph, all in the caller's transaction and in sets.

    Evidence that repeats what is active in a calm region only moves times on; the regions of everything else are
    locked, assigned anew, and compared.
    """
    for fact in batch.facts:
        fact.evidence = with_basis(fact.evidence, batch.policies[fact.workspace_id])
    add_respellings(batch)
    await identify_nodes(tx, batch, tools)
    name_derived(batch)
    await find_twins(tx, batch, tools)

    async def work(*, patient: bool) -> None:
        stirred, unsettled = await gather_evidence(tx, batch)
        if batch.said is None:  # an event of the record says the same however often it is read
            await unmake_unsaid(tx, batch, tools)
        await reassign(tx, batch, tools, stirred, unsettled, patient=patient)

    await under_locks(tx, batch, tools, {one for fact in batch.facts for one in fact.keys}, work)


class Work(Protocol):
    """What is done while nodes are locked."""

    async def __call__(self, *, patient: bool) -> None:
        """Do it; raises Contended when more nodes are needed than can be had without waiting."""


async def under_locks(tx: Tx, batch: Batch, tools: GraphTools, keys: set[Key], work: Work) -> None:
    """Lock nodes in the order of their numbers and do the work; where it needs more, begin again with all of them.

    Waiting happens in that one ordered statement only, so workers whose regions overlap cannot wait for each other in
    a circle (PostgreSQL takes a second to notice one). After ATTEMPTS the growth waits too.
    """
    wanted, spare = set(keys), {one: list(numbers) for one, numbers in batch.spare_persons.items()}
    for attempt in range(ATTEMPTS):
        batch.begin_again()
        batch.spare_persons = {one: list(numbers) for one, numbers in spare.items()}
        try:
            async with tx.savepoint():
                for row in await nodes.lock(tx, wanted) if wanted else ():
                    put_node(batch, tools, row)
                _assert_there(batch, tools)
                await work(patient=attempt == ATTEMPTS - 1)
                return
        except Contended as more:
            wanted |= more.region


def _assert_there(batch: Batch, tools: GraphTools) -> None:
    """Raise Unavailable when an identifier ceased to be after its number was read: it is made the next time."""
    if not batch.nodes.keys() >= set(batch.keys.values()):
        tools.numbered.clear()
        raise Unavailable("an identifier was deleted at this moment; send it again", retry_after_seconds=1)


async def reassign(
    tx: Tx, batch: Batch, tools: GraphTools, stirred: set[Key], unsettled: set[Key], *, patient: bool
) -> None:
    """Assign the regions of nodes anew, write what changed, and tell it (or leave it to `batch.said`)."""
    outcome = Outcome()
    if stirred:
        decided = await load_regions(tx, batch, tools, stirred, unsettled, patient=patient)
        await trip_breaker(tx, batch)
        outcome = await assign_within_rates(tx, batch, tools, decided)
        _count_quarantined(tx, batch, tools, outcome)
        _count_limited(tx, batch, tools, outcome)
        batch.sizes = [len(group) for group in outcome.groups]
        changes = await settle_persons(tx, batch, tools, outcome)
        batch.changes = await time_devices(tx, batch, tools, outcome, changes)
    leave_hanging(batch, outcome)
    changes = batch.changes
    events = tell_changes(batch, outcome, changes, watermarks(batch)) if changes is not None else []
    await save_graph(tx, batch, outcome, changes)
    await note_dormant(tx, batch, outcome)
    await regions.schedule(tx, {one: batch.now[workspace_of(one)] for one in batch.settling}, glance=True)
    await regions.schedule(tx, {one: batch.now[workspace_of(one)] for one in batch.replacing})
    if batch.settling or batch.replacing:
        tx.after_commit(tools.settling)
    if batch.said is not None:
        batch.said += events
    elif events:
        await outbox.add(tx, events)


def _count_quarantined(tx: Tx, batch: Batch, tools: GraphTools, outcome: Outcome) -> None:
    found = Counter((workspace_of(one.pair[0]), one.reason) for one in outcome.decisions if one.state == "quarantined")
    batch.quarantined = Counter()
    for (workspace_id, reason), count in found.items():
        batch.quarantined[reason] += count
        tx.after_commit(partial(tools.quarantined, workspace_id, reason, count))


def _count_limited(tx: Tx, batch: Batch, tools: GraphTools, outcome: Outcome) -> None:
    found = Counter(
        (workspace_of(one.pair[0]), one.reason)
        for one in outcome.decisions
        if one.state == "suppressed"
        and one.reason.startswith("limit:")
        and all(row.reason != one.reason for row in batch.links.get(one.pair, {}).values())
    )
    for (workspace_id, reason), count in found.items():
        tx.after_commit(partial(tools.limited, workspace_id, reason, count))


def watermarks(batch: Batch) -> Mapping[int, datetime]:
    """Return the greatest arrival behind the batch, per workspace; the present where only time brought it."""
    found = dict(batch.watermark)
    for fact in batch.facts:
        at = fact.evidence.first_received_at
        found[fact.workspace_id] = max(at, found.get(fact.workspace_id, at))
    return {**batch.now, **found}
