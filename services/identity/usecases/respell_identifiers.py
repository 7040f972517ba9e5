"""Identifiers that are spellings of others by policies that were put in force after they came."""

from libs.common.db import Tx
from libs.common.ids import new_id
from services.identity.domain.respelling import denotes, respelling
from services.identity.store import respelling_queue
from services.identity.store.respelling_queue import RespellingEntry
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools

CHUNK = 1_000


async def respell_identifiers(tx: Tx, entry: RespellingEntry, tools: GraphTools) -> None:
    """Take in what the policies in force say of the next chunk of identifiers; after the last the entry is ended."""
    workspace_id = entry.workspace_id
    rows = await respelling_queue.nodes_after(tx, entry, CHUNK)
    if not rows:
        await respelling_queue.end(tx, entry)
        return
    policies = await tools.present_policies(tx, workspace_id)
    concerned, now = policies.respelling, tools.now(workspace_id)
    facts = []
    for row in rows:
        name = name_of(row, tools) if row.namespace in concerned else None
        other = denotes(name, policies) if name is not None else None
        if name is not None and other is not None:
            facts.append(Fact(workspace_id, respelling(name, other, event_id=new_id(), received_at=now)))
    if facts:
        await resolve_evidence(tx, facts, tools)
    await respelling_queue.advance(tx, entry, rows[-1].node_no)
