"""Whose identifiers are, many at once and without changing anything."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.painting import owner_at, paint
from services.identity.domain.evidence import Identifier
from services.identity.store import erasures, history, nodes, twins
from services.identity.store.nodes import Key, key, number_of, workspace_of
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
    owners |= {names[name]: rows[one].owner for name, one in plain.items() if one in rows}
    ids = await tools.person_ids(tx, set(owners.values()))
    return {one: ids[owner] for one, owner in owners.items() if owner in ids}


async def find_erased(tx: Tx, tools: GraphTools, workspace_id: int, wanted: Collection[Identifier]) -> set[Identifier]:
    """Return those identifiers whose person was erased."""
    names = {tools.lookup(workspace_id, one): one for one in wanted}
    return {names[lookup] for lookup in await erasures.buried(tx, workspace_id, names)} if names else set()


async def owners_then(tx: Tx, wanted: Collection[tuple[Key, datetime]]) -> dict[tuple[Key, datetime], Key]:
    """Return whose devices were at event times, as far as is known now."""
    found: dict[tuple[Key, datetime], Key] = {}
    for workspace_id in {workspace_of(one) for one, _ in wanted}:
        mine = {one for one, _ in wanted if workspace_of(one) == workspace_id}
        said: dict[Key, list[history.Owned]] = {}
        for owned in await history.ownership_of(tx, workspace_id, [number_of(one) for one in mine]):
            said.setdefault(key(workspace_id, owned.node_no), []).append(owned)
        painted = {one: paint(facts) for one, facts in said.items()}
        found |= {(one, at): key(workspace_id, owner_at(painted[one], at)) for one, at in wanted if one in mine}
    return found
