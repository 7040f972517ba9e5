"""Take over what identity says of who owns which identifier."""

import base64
from collections.abc import Sequence

from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.db import Tx
from libs.common.personal import Sealer
from services.profile.domain.contact import KIND_BY_NAMESPACE
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.ownership import OwnershipFact
from services.profile.domain.recorded import Declared
from services.profile.store import contacts, guard, ownership, persons, phones, subjects, tag_touches
from services.profile.store.contacts import NewAddress
from services.profile.store.subjects import Description
from services.profile.usecases.means import Means
from services.profile.usecases.refold_consents import refold_consents
from services.profile.usecases.refold_contacts import refold_contacts
from services.profile.usecases.refold_tags import refold_moved_tags
from services.profile.usecases.refold_traits import Touched, refold_traits
from services.profile.usecases.repaint_ownership import repaint_ownership
from services.profile.usecases.seal_address import identifier_lookup, seal_address


async def take_ownership(tx: Tx, events: Sequence[OwnershipChanged], *, means: Means) -> None:
    """Keep the facts, move traits and consents with the identifiers, and say what changed for everybody concerned."""
    await guard.share_workspaces(tx, {event.workspace_id for event in events})
    unnamed = await persons.note_persons(
        tx, {PersonKey(e.workspace_id, e.person_no): (e.person_id, e.received_at) for e in events}
    )
    gone = await subjects.erased_subjects(tx, map(_subject, events))
    kept = [event for event in events if _subject(event) not in gone]
    if not kept:
        return
    received_at = max(event.received_at for event in kept)
    await subjects.note_subjects(tx, map(_subject, kept))
    changed = await ownership.add_ownership_facts(tx, [(event.workspace_id, _fact(event)) for event in kept])
    locked = await subjects.lock_subjects(tx, map(_subject, kept))
    addresses: list[NewAddress] = []
    descriptions: dict[SubjectKey, Description] = {}
    for event in kept:
        sealer = means.sealer_of(event.workspace_id)
        descriptions[_subject(event)] = _describe(event, sealer)
        addresses.extend(_address(event, sealer))
    await phones.hold_phones(tx, addresses, moved=changed & locked)
    await subjects.describe_subjects(tx, list(descriptions.values()))
    named = await contacts.add_addresses(tx, addresses)
    touched: Touched = {}
    concerned = await repaint_ownership(tx, changed & locked, received_at=received_at, touched=touched)
    addressed = {SubjectKey(new.workspace_id, new.subject_no) for new in addresses}
    declaring = await ownership.owners_ever(tx, addressed)
    # whoever else gave a number that changed hands
    others = await phones.persons_with_phones(tx, (changed & locked) | named)
    await persons.lock_persons(tx, concerned | declaring | others | unnamed.keys())
    await persons.name_persons(tx, unnamed)
    await refold_traits(tx, touched, means=means)
    await refold_contacts(tx, declaring, moved=concerned | others, received_at=received_at)
    await refold_moved_tags(tx, changed & locked, concerned, received_at=received_at)
    await tag_touches.touch(tx, concerned, received_at=received_at)
    await refold_consents(tx, (), moved=concerned, received_at=received_at, means=means)


def _fact(event: OwnershipChanged) -> OwnershipFact:
    return OwnershipFact(event.subject_no, event.version, event.person_no, event.received_at, event.since, event.until)


def _describe(event: OwnershipChanged, sealer: Sealer) -> Description:
    clear = _clear_value(event, sealer)
    lookup = identifier_lookup(sealer, event.namespace, event.scope, clear) if clear else None
    return Description(
        event.workspace_id, event.subject_no, event.namespace, event.scope, lookup, event.sealed_value or None
    )


def _address(event: OwnershipChanged, sealer: Sealer) -> list[NewAddress]:
    """An identifier that is an address is a contact point of whoever owns it."""
    kind = KIND_BY_NAMESPACE.get(event.namespace)
    clear = _clear_value(event, sealer) if kind is not None else ""
    if kind is None or not clear:
        return []
    # scoped only where the same address means different things (an openid per app)
    scope = event.scope if kind in ("wx_openid", "wx_external_userid") else ""
    address = seal_address(sealer, Declared(kind, clear), scope=scope, at=event.occurred_at)
    return [NewAddress(event.workspace_id, event.subject_no, address, own=True)]


def _clear_value(event: OwnershipChanged, sealer: Sealer) -> str:
    return sealer.open(base64.b64decode(event.sealed_value)).decode() if event.sealed_value else ""


def _subject(event: OwnershipChanged) -> SubjectKey:
    return SubjectKey(event.workspace_id, event.subject_no)
