"""Evidence that follows from the values of identifiers, under ids of those values: renamed to ids of their numbers."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.twins import id_of_derived
from services.identity.store import nodes, renaming
from services.identity.store.nodes import key
from services.identity.store.renaming import Derived, Pass

CHUNK = 5_000


async def rename_derived(tx: Tx, one: Pass) -> None:
    """Rename what is under an old id in the next chunk of a pass; after the last chunk the pass is ended."""
    last_id = await renaming.last_of_chunk(tx, one, CHUNK)
    if last_id is None:
        await renaming.end(tx, one)
        return
    wrong = [fact for fact in await renaming.derived(tx, one, last_id) if _new_id(one, fact) != fact.event_id]
    if wrong:
        await _rename(tx, one, last_id, wrong)
    await renaming.advance(tx, one, last_id)


async def _rename(tx: Tx, one: Pass, last_id: UUID, wrong: Sequence[Derived]) -> None:
    # Whoever says the same at this moment, or erases it, holds its identifiers.
    await nodes.lock(tx, {key(one.workspace_id, number) for fact in wrong for number in fact.node_nos})
    there = {fact.event_id for fact in await renaming.derived(tx, one, last_id)}
    ids = {_new_id(one, fact): fact.event_id for fact in wrong if fact.event_id in there}
    await renaming.rename(tx, one.workspace_id, [(old, new) for new, old in ids.items()])


def _new_id(one: Pass, fact: Derived) -> UUID:
    return id_of_derived(one.workspace_id, *fact.node_nos)
