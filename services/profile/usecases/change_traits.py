"""Write traits of a person as facts of the caller."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.access.model import DEFAULT_REGION
from libs.common.db import Tx
from libs.common.errors import Conflict, Gone, Invalid
from libs.common.ids import new_id
from libs.common.personal import split_personal
from services.profile.domain.keys import PersonKey, SubjectKey, TraitKey
from services.profile.domain.recorded import declared_addresses, personal_names
from services.profile.domain.trait import Fact, Said, read_traits
from services.profile.domain.values import Json
from services.profile.store import contacts, guard, ownership, persons, phones, subjects, trait_facts
from services.profile.store.contacts import NewAddress
from services.profile.store.trait_facts import NewFact
from services.profile.usecases.means import Means
from services.profile.usecases.refold_contacts import refold_contacts
from services.profile.usecases.refold_traits import Touch, Touched, refold_traits, touch
from services.profile.usecases.seal_address import seal_address


class Writing(msgspec.Struct, frozen=True):
    """What a caller says of a person's traits, when, and as which source."""

    values: dict[str, Json]
    source_id: int
    event_time: datetime
    received_at: datetime


async def change_traits(
    tx: Tx, person: PersonKey, writing: Writing, *, means: Means, overrides: Mapping[str, bool] | None = None
) -> list[str]:
    """Keep the facts and fold them; return the names written.

    Null and empty values say nothing; `$unset` removes. Raises Conflict for a person without an identifier.
    """
    workspace_id = person.workspace_id
    personal = split_personal(writing.values, "trait", overrides)[1]
    names = personal_names(personal) | _personal_unsets(writing.values, overrides)
    said = read_traits(writing.values, names)
    if not said:
        raise Invalid.at("/traits", "nothing is said: null and empty values never overwrite; use $unset to remove")
    await guard.share_workspaces(tx, [workspace_id])
    subject = await _subject_of(tx, person)
    event_id = new_id()
    facts = [_fact(one, subject, writing, event_id=event_id) for one in said]
    added = await trait_facts.add_trait_facts(tx, facts, means.sealer_of)
    sealer = means.sealer_of(workspace_id)
    # somebody at the console is no source
    region = means.regions_of(workspace_id).get(writing.source_id) if writing.source_id else DEFAULT_REGION
    told = declared_addresses(said, event_time=writing.event_time, authenticated=True, region=region)
    addresses = [
        NewAddress(workspace_id, subject.subject_no, seal_address(sealer, declared, scope="", at=writing.event_time))
        for declared in told
    ]
    await phones.hold_phones(tx, addresses)
    await contacts.add_addresses(tx, addresses)
    owner = await _owner_at(tx, subject, writing.event_time)
    touched: Touched = {}
    for new in added:
        touch(touched, TraitKey(workspace_id, owner, new.trait), Touch(writing.received_at, (new.fact,)))
    declaring = await ownership.owners_ever(tx, [subject]) if addresses else set()
    await persons.lock_persons(tx, declaring | {key.person for key in touched})
    await refold_traits(tx, touched, means=means)
    await refold_contacts(tx, declaring, received_at=writing.received_at)
    return sorted(one.name for one in said)


def _fact(one: Said, subject: SubjectKey, writing: Writing, *, event_id: UUID) -> NewFact:
    fact = Fact(
        event_id=event_id,
        subject_no=subject.subject_no,
        source_id=writing.source_id,
        event_time=writing.event_time,
        kind=one.kind,
        type=one.type,
        value=one.value,
        personal=one.personal,
    )
    return NewFact(subject.workspace_id, one.name, fact, writing.received_at)


async def _subject_of(tx: Tx, person: PersonKey) -> SubjectKey:
    """Lock and return the identifier the facts hang on: the first one the person holds."""
    held = (await ownership.held_now(tx, person.workspace_id, [person.person_no])).get(person.person_no)
    if not held:
        state = (await persons.resolve_persons(tx, person.workspace_id, [person.person_no])).get(person.person_no)
        if state is not None and state.state == "erased":
            raise Gone("the person was erased at his request")
        raise Conflict("no identifier of this person is known here yet; try again shortly")
    subject = SubjectKey(person.workspace_id, min(held))
    if not await subjects.lock_subjects(tx, [subject]):
        raise Gone("the person was erased at his request")
    return subject


async def _owner_at(tx: Tx, subject: SubjectKey, event_time: datetime) -> int:
    painted = (await ownership.ownership_of(tx, [subject])).get(subject, [])
    return next((i.person_no for i in painted if i.valid_from <= event_time < i.valid_to), 0)


def _personal_unsets(values: Mapping[str, Json], overrides: Mapping[str, bool] | None) -> frozenset[str]:
    unset = values.get("$unset")
    names = {name: True for name in unset if isinstance(name, str)} if isinstance(unset, list) else {}
    return frozenset(split_personal(names, "trait", overrides)[1])
