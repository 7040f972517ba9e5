"""Whose identifiers are, many at once and without changing anything."""

from collections.abc import Collection
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.evidence import Identifier
from services.identity.store import erasures, nodes, twins
from services.identity.store.nodes import key
from services.identity.usecases.graph.tools import GraphTools


async def find_owners(
    tx: Tx, tools: GraphTools, workspace_id: int, wanted: Collection[Identifier]
) -> dict[Identifier, UUID]:
    """Return the person ids of those identifiers that were ever seen, be it in plain where a hash is asked for."""
    names = {(workspace_id, tools.lookup(workspace_id, one)): one for one in wanted}
    found = await nodes.find(tx, names) if names else {}
    owners = {names[name]: key(workspace_id, person_no) for name, (_, person_no) in found.items()}
    hashed = {name: one for name, one in names.items() if name not in found and one.namespace in tools.hashes}
    plain = await twins.find(tx, hashed) if hashed else {}
    rows = {row.key: row for row in await nodes.read(tx, set(plain.values()))} if plain else {}
    owners |= {names[name]: rows[one].owner for name, one in plain.items()}
    ids = await tools.person_ids(tx, set(owners.values()))
    return {one: ids[owner] for one, owner in owners.items() if owner in ids}


async def find_erased(tx: Tx, tools: GraphTools, workspace_id: int, wanted: Collection[Identifier]) -> set[Identifier]:
    """Return those identifiers whose person was erased."""
    names = {tools.lookup(workspace_id, one): one for one in wanted}
    return {names[lookup] for lookup in await erasures.buried(tx, workspace_id, names)} if names else set()
