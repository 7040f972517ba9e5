"""Policies tried in the shadow: what they would make of the stored evidence, while others stay in force."""

import asyncio
from typing import Any

from libs.common.db import Tx
from libs.common.ids import new_id
from services.identity.domain.differences import Difference, difference
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.islands import Islands
from services.identity.domain.links import Pair
from services.identity.domain.partition import partition
from services.identity.domain.policy import PolicySet
from services.identity.domain.respelling import EMAIL_ALIAS, denotes, respelling, unheld
from services.identity.store import evidence, holds, nodes, persons, shadows
from services.identity.store.nodes import NodeRow, key
from services.identity.store.shadows import ShadowRow
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.name_holds import named_holds
from services.identity.usecases.graph.stored_evidence import evidence_of
from services.identity.usecases.graph.tools import GraphTools

NODES_AT_ONCE = 2_000


async def run_shadow(tx: Tx, tools: GraphTools, shadow: ShadowRow) -> dict[str, Any]:
    """Return the report on a shadow run: island by island, with both sets of policies, nothing locked or written.

    `tx` is a session's.
    """
    workspace_id = shadow.workspace_id
    present = await tools.present_policies(tx, workspace_id)
    candidate = tools.with_defaults(present.version, shadow.declared)
    islands = Islands()
    async for numbers in shadows.all_nodes(tx, workspace_id):
        for one in numbers:
            islands.add(one)
    await _join_respelled(tx, tools, workspace_id, candidate, islands)
    facts = 0
    async for stars in shadows.all_stars(tx, workspace_id):
        facts += len(stars)
        for star in stars:
            islands.join(star)
    total = Difference()
    for numbers in islands.batches(NODES_AT_ONCE):
        total.add(await _compare(tx, tools, workspace_id, numbers, (present, candidate)))
    return await _report(tx, workspace_id, total, facts)


async def _join_respelled(tx: Tx, tools: GraphTools, workspace_id: int, candidate: PolicySet, islands: Islands) -> None:
    """Join what are spellings of one by the policies that are tried, whether or not that was ever said."""
    concerned = {*candidate.respelling, EMAIL_ALIAS} if candidate.respelling else ()
    if not concerned:
        return
    await shadows.make_spellings(tx)
    async for numbers in shadows.nodes_of(tx, workspace_id, concerned):
        rows = await nodes.read(tx, [key(workspace_id, one) for one in numbers])
        names = [name_of(row, tools) for row in rows]
        lookups = [tools.sealed_lookup(workspace_id, denotes(name, candidate) or name) for name in names]
        await shadows.note_spellings(tx, lookups, [row.node_no for row in rows])
    async for together in shadows.spelled_together(tx):
        islands.join(together)


async def _compare(
    tx: Tx, tools: GraphTools, workspace_id: int, numbers: list[int], policies: tuple[PolicySet, PolicySet]
) -> Difference:
    keys = [key(workspace_id, one) for one in numbers]
    rows = await nodes.read(tx, keys)
    batch = Batch((), {}, {}, names={row.key: name_of(row, tools) for row in rows})
    said = [evidence_of(row, batch) for row in await evidence.centred(tx, keys)]
    decided = named_holds(workspace_id, await holds.effective(tx, workspace_id, numbers), batch.names)
    # A run of the rule over thousands of identifiers would hold the event loop.
    now, candidate = tools.now(workspace_id), policies[1]
    derived = [
        respelling(name, other, event_id=new_id(), received_at=now)
        for name in batch.names.values()
        if (other := denotes(name, candidate)) is not None
    ]
    return await asyncio.to_thread(_judge, said, derived, policies, now, rows, batch.names, decided)


def _judge(
    said: list[Evidence],
    derived: list[Evidence],
    policies: tuple[PolicySet, PolicySet],
    now: Any,
    rows: list[NodeRow],
    names: dict[int, Identifier],
    decided: dict[Pair, Hold],
) -> Difference:
    consents = {names[row.key]: row.consents(now) for row in rows if row.permissions}
    foreseen = [*said, *derived]
    known = set(names.values()) - unheld(said, policies[0]) - unheld(foreseen, policies[1])
    before = partition(said, policies[0], now, consents, decided).among(known)
    after = partition(foreseen, policies[1], now, consents, decided).among(known)
    return difference(before, after, policies[1], {names[row.key]: row.person_no for row in rows})


async def _report(tx: Tx, workspace_id: int, found: Difference, facts: int) -> dict[str, Any]:
    wanted = {one for group in found.merged for one in group} | set(found.split)
    known = await persons.read(tx, [key(workspace_id, one) for one in wanted]) if wanted else {}
    ids = {row.person_no: str(row.person_id) for row in known.values()}
    return {
        "facts": facts,
        "persons_before": found.persons_before,
        "persons_after": found.persons_after,
        "persons_merged": found.persons_merged,
        "persons_split": found.persons_split,
        "anchors_lost": found.anchors_lost,
        "largest_before": found.largest_before,
        "largest_after": found.largest_after,
        "links": [
            {"was": was, "becomes": becomes, "count": count}
            for (was, becomes), count in sorted(found.links.items(), key=lambda item: (-item[1], item[0]))
        ],
        "merged": [[ids[one] for one in group if one in ids] for group in found.merged],
        "split": [ids[one] for one in found.split if one in ids],
    }
