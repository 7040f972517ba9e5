"""Find the person a caller means."""

from collections.abc import Collection
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Gone, NotFound
from libs.common.personal import Sealer
from services.profile.domain.identifier import Identifier, canonical_value
from services.profile.store import ownership, persons, subjects
from services.profile.store.persons import PersonRow
from services.profile.usecases.seal_address import identifier_lookup


async def find_person(tx: Tx, workspace_id: int, person_id: UUID) -> PersonRow:
    """Return the person an id leads to now; raises NotFound, or Gone after an erasure."""
    row = await persons.find_person(tx, workspace_id, person_id)
    if row is None:
        raise NotFound("there is no such person")
    if row.state == "erased":
        raise Gone("the person was erased at his request")
    return row


async def find_by_identifier(tx: Tx, workspace_id: int, identifier: Identifier, sealer: Sealer) -> PersonRow:
    """Return who owns an identifier now; raises NotFound."""
    found = (await owners_of(tx, workspace_id, [identifier], sealer)).get(identifier)
    if found is None:
        raise NotFound("nobody is known by this identifier")
    return found


async def owners_of(
    tx: Tx, workspace_id: int, identifiers: Collection[Identifier], sealer: Sealer
) -> dict[Identifier, PersonRow]:
    """Return the present owners of those identifiers that have one."""
    lookups = {identifier: lookup_of(identifier, sealer) for identifier in identifiers}
    by_lookup = await subjects.subjects_of_lookups(tx, workspace_id, set(lookups.values()))
    owners = await ownership.owners_now(tx, workspace_id, set(by_lookup.values()))
    rows = await persons.resolve_persons(tx, workspace_id, owners.values())
    found: dict[Identifier, PersonRow] = {}
    for identifier, lookup in lookups.items():
        row = rows.get(owners.get(by_lookup.get(lookup, 0), 0))
        if row is not None and row.state != "erased":
            found[identifier] = row
    return found


def lookup_of(identifier: Identifier, sealer: Sealer) -> bytes:
    """Return the keyed hash of an identifier as a caller names it."""
    return identifier_lookup(sealer, identifier.namespace, identifier.full_scope, canonical_value(identifier))
