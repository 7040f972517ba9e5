"""Everything known about persons, put together."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.profile.domain.consent import Scope
from services.profile.domain.contact import ContactPoint, contact_points, with_sharing
from services.profile.store import consents, contacts, persons, phones, subjects, tag_facts, trait_views
from services.profile.store.consents import Published
from services.profile.store.persons import PersonRow
from services.profile.store.tag_facts import KeptTag
from services.profile.store.trait_views import TraitView


class Portrait(NamedTuple):
    """One person: his traits, contact points, consents, tags, zone and language."""

    person_no: int
    person_id: UUID | None
    traits: Mapping[str, TraitView]
    contact_points: list[ContactPoint]
    consents: Mapping[Scope, Published]
    tags: Mapping[str, KeptTag]
    timezone: str | None
    locale: str | None


async def read_persons(
    tx: Tx,
    workspace_id: int,
    rows: Collection[PersonRow],
    sealer: Sealer,
    *,
    now: datetime,
    traits: Collection[str] | None = None,
) -> dict[int, Portrait]:
    """Return the portraits by canonical number; `traits` names those wanted (None = all)."""
    numbers = sorted({row.canonical_no for row in rows})
    ids = {row.canonical_no: row.person_id for row in rows}
    views = await trait_views.views_of_persons(tx, workspace_id, numbers, sealer, traits=traits)
    points = await read_shared_contact_points(tx, workspace_id, numbers)
    states = await consents.published_of_persons(tx, workspace_id, numbers)
    tags = await tag_facts.views_of_persons(tx, workspace_id, numbers)
    localities = await subjects.localities_of_persons(tx, workspace_id, numbers)
    return {
        number: Portrait(
            number,
            ids[number],
            {name: view for name, view in views.get(number, {}).items() if view.view.value is not None},
            points.get(number, []),
            states.get(number, {}),
            {name: kept for name, kept in tags.get(number, {}).items() if not kept.held.is_over(now)},
            *localities.get(number, (None, None)),
        )
        for number in numbers
    }


async def read_contact_points(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, list[ContactPoint]]:
    """Return each person's contact points with their present state."""
    addresses = await contacts.addresses_of_persons(tx, workspace_id, person_nos)
    aliases = await persons.aliases_of(tx, workspace_id, addresses)
    reports = await contacts.reports_of_persons(tx, workspace_id, aliases)
    told = {one.lookup for found in addresses.values() for one in found if one.kind == "phone"}
    owners = await phones.owners_of_phones(tx, workspace_id, told)
    return {
        number: contact_points(found, reports.get(number, []), _taken(owners, {number, *aliases.get(number, ())}))
        for number, found in addresses.items()
    }


def _taken(owners: Mapping[bytes, phones.Owned], mine: Collection[int]) -> dict[bytes, datetime]:
    """Return since when numbers are owned by somebody else; `mine` are the numbers of one person."""
    return {lookup: owned.since for lookup, owned in owners.items() if owned.person_nos.isdisjoint(mine)}


async def read_shared_contact_points(
    tx: Tx, workspace_id: int, person_nos: Collection[int]
) -> dict[int, list[ContactPoint]]:
    """Return each person's contact points with how many others have the address now."""
    points = await read_contact_points(tx, workspace_id, person_nos)
    lookups = {point.address.lookup for known in points.values() for point in known}
    holders = await contacts.holders_of_addresses(tx, workspace_id, lookups)
    return {number: with_sharing(known, number, holders) for number, known in points.items()}
