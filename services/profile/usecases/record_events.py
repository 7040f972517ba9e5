"""A batch of recorded events: timeline rows, trait facts, contact points, consent, zone and language."""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from services.profile.domain.keys import PersonKey, SubjectKey, TraitKey
from services.profile.domain.ownership import Interval, OwnershipFact
from services.profile.domain.recorded import (
    declared_addresses,
    opened_part,
    read_event_consents,
    read_locality,
    read_said,
    speaks_of_consent,
)
from services.profile.domain.trait import Fact
from services.profile.domain.values import clean_text
from services.profile.store import (
    consents,
    contacts,
    guard,
    ownership,
    persons,
    phones,
    subjects,
    tag_touches,
    tags,
    timeline,
    trait_facts,
)
from services.profile.store.consents import NewLine
from services.profile.store.contacts import NewAddress
from services.profile.store.persons import Seen
from services.profile.store.subjects import Locality
from services.profile.store.timeline import NewEntry
from services.profile.store.trait_facts import NewFact
from services.profile.usecases.means import Means
from services.profile.usecases.record_accounts import record_accounts
from services.profile.usecases.refold_consents import refold_consents
from services.profile.usecases.refold_contacts import refold_contacts
from services.profile.usecases.refold_tags import refold_moved_tags
from services.profile.usecases.refold_traits import Touch, Touched, refold_traits, touch
from services.profile.usecases.repaint_ownership import repaint_ownership
from services.profile.usecases.seal_address import seal_address
from services.profile.usecases.state_consent import lines_of_event
from services.profile.usecases.tag_by_events import keep_tags, tags_given


@dataclass
class _Findings:
    """What a batch says, as rows."""

    entries: list[NewEntry] = field(default_factory=list)
    facts: list[NewFact] = field(default_factory=list)
    addresses: list[NewAddress] = field(default_factory=list)
    lines: list[NewLine] = field(default_factory=list)
    localities: list[Locality] = field(default_factory=list)

    def subjects(self) -> set[SubjectKey]:
        """Return the identifiers of which more than a timeline row is kept."""
        return {
            *(SubjectKey(new.workspace_id, new.fact.subject_no) for new in self.facts),
            *(SubjectKey(new.workspace_id, new.subject_no) for new in self.addresses),
            *(SubjectKey(new.workspace_id, new.subject_no) for new in self.localities),
            *(SubjectKey(new.workspace_id, new.subject_no) for new in self.lines if new.subject_no),
        }


async def record_events(tx: Tx, events: Iterable[EventRecorded], *, means: Means) -> None:
    """Keep what the events say; any order and repetition of them ends in the same rows.

    An event without an identifier belongs to nobody and is left out.
    """
    told = list(events)
    # what is said of an account belongs to nobody: whoever said it may be erased, in whatever order that is heard
    await record_accounts(tx, told, means=means)
    owned = [event for event in told if event.subject_no and event.person_no]
    if not owned:
        return
    await guard.share_workspaces(tx, {event.workspace_id for event in owned})
    unnamed = await persons.note_persons(tx, {_person(event): (event.person_id, event.received_at) for event in owned})
    gone = await subjects.erased_subjects(tx, map(_subject, owned))
    # by identifier alone: one that left the person before he was erased is another's now
    kept = [event for event in owned if _subject(event) not in gone]
    if kept:
        await _record(tx, kept, unnamed, means)


async def _record(tx: Tx, events: list[EventRecorded], unnamed: Seen, means: Means) -> None:
    received_at = max(event.received_at for event in events)
    findings = _read(events, means)
    await subjects.note_subjects(tx, map(_subject, events))
    news = await ownership.add_ownership_facts(tx, map(_provisional, events))
    facts = tags_given(events, await tags.of_kind(tx, {event.workspace_id for event in events}, "event"))
    tagged = {SubjectKey(workspace_id, fact.subject_no) for workspace_id, fact in facts}
    locked = await subjects.lock_subjects(tx, findings.subjects() | news | tagged)
    await phones.hold_phones(tx, findings.addresses, moved=news & locked)
    touched: Touched = {}
    concerned = await repaint_ownership(tx, news & locked, received_at=received_at, touched=touched)
    await timeline.add_entries(tx, findings.entries)
    await subjects.note_localities(tx, findings.localities)
    await contacts.add_addresses(tx, findings.addresses)
    lines = await _of_the_living(tx, findings.lines)
    await consents.add_lines(tx, lines)
    added = await trait_facts.add_trait_facts(tx, findings.facts, means.sealer_of)
    quiet = {(event.workspace_id, event.id) for event in events if not event.live}
    await _touch_owners(tx, added, touched, lambda new: (new.workspace_id, new.fact.event_id) in quiet)
    addressed = {SubjectKey(new.workspace_id, new.subject_no) for new in findings.addresses}
    declaring = await ownership.owners_ever(tx, addressed)
    # whoever else gave a number that changed hands
    others = await phones.persons_with_phones(tx, news & locked)
    folded = concerned | declaring | others | {key.person for key in touched} | await ownership.owners_ever(tx, tagged)
    spoken: set[PersonKey] = set()

    async def all_concerned() -> set[PersonKey]:
        nonlocal spoken
        spoken = await _spoken_about(tx, lines)
        return folded | spoken | unnamed.keys()

    await persons.lock_found(tx, all_concerned)
    await persons.name_persons(tx, unnamed)
    await refold_traits(tx, touched, means=means)
    await refold_contacts(tx, declaring, moved=concerned | others, received_at=received_at)
    await refold_moved_tags(tx, news & locked, concerned, received_at=received_at)
    await keep_tags(tx, facts, received_at=received_at)
    await tag_touches.touch(tx, concerned | {_person(event) for event in events}, received_at=received_at)
    await refold_consents(tx, spoken, moved=concerned, received_at=received_at, means=means)


async def _touch_owners(tx: Tx, added: list[NewFact], touched: Touched, is_silent: Callable[[NewFact], bool]) -> None:
    """Add each new fact to the trait of whoever owned its identifier at its time."""
    owners = await ownership.ownership_of(tx, {SubjectKey(new.workspace_id, new.fact.subject_no) for new in added})
    for new in added:
        painted = owners.get(SubjectKey(new.workspace_id, new.fact.subject_no), [])
        person_no = _owner_at(painted, new.fact.event_time)
        if person_no:
            key = TraitKey(new.workspace_id, person_no, new.trait)
            touch(touched, key, Touch(new.received_at, (new.fact,), silent=is_silent(new)))


async def _of_the_living(tx: Tx, lines: list[NewLine]) -> list[NewLine]:
    """Return the lines without those about all that an erased person held."""
    aims = {PersonKey(line.workspace_id, line.person_no) for line in lines if line.person_no}
    gone = await persons.erased_among(tx, aims) if aims else set()
    return [line for line in lines if PersonKey(line.workspace_id, line.person_no) not in gone]


async def _spoken_about(tx: Tx, lines: list[NewLine]) -> set[PersonKey]:
    """Return whose consent the lines may change: the owners of their identifiers, and of what a person once held."""
    if not lines:
        return set()
    about = {SubjectKey(line.workspace_id, line.subject_no) for line in lines if line.subject_no}
    painted = await ownership.ownership_of(tx, about)
    aims = {PersonKey(line.workspace_id, line.person_no) for line in lines if line.person_no}
    owners = {PersonKey(key.workspace_id, found[-1].person_no) for key, found in painted.items()}
    return owners | await consents.present_owners_of_once_held(tx, aims)


def _owner_at(painted: list[Interval], event_time: datetime) -> int:
    return next((i.person_no for i in painted if i.valid_from <= event_time < i.valid_to), 0)


def _read(events: list[EventRecorded], means: Means) -> _Findings:
    findings = _Findings()
    for event in events:
        findings.entries.append(_entry(event))
        locality = read_locality(bytes(event.context))
        if locality is not None:
            key = (event.workspace_id, event.subject_no, event.occurred_at)
            findings.localities.append(Locality(*key, locality.timezone, locality.locale))
        if event.kind == "identify":
            _read_traits(event, findings, means)
        if _speaks(event):
            _read_consents(event, findings, means)
    return findings


def _read_traits(event: EventRecorded, findings: _Findings, means: Means) -> None:
    said = read_said(bytes(event.traits), _opened(event, means))
    for one in said:
        fact = Fact(
            event_id=event.id,
            subject_no=event.subject_no,
            source_id=event.source_id,
            event_time=event.occurred_at,
            kind=one.kind,
            type=one.type,
            value=one.value,
            personal=one.personal,
        )
        findings.facts.append(NewFact(event.workspace_id, one.name, fact, event.received_at))
    sealer = means.sealer_of(event.workspace_id)
    region = means.regions_of(event.workspace_id).get(event.source_id)
    for declared in declared_addresses(
        said, event_time=event.occurred_at, authenticated=event.authenticated, region=region
    ):
        address = seal_address(sealer, declared, scope="", at=event.occurred_at)
        findings.addresses.append(NewAddress(event.workspace_id, event.subject_no, address))


def _read_consents(event: EventRecorded, findings: _Findings, means: Means) -> None:
    said = read_event_consents(event.name, bytes(event.properties), bytes(event.context), _opened(event, means))
    findings.lines.extend(lines_of_event(event, said))


def _opened(event: EventRecorded, means: Means) -> bytes | None:
    return opened_part(event, means.sealer_of(event.workspace_id))


def _entry(event: EventRecorded) -> NewEntry:
    body = b'{"properties":%b,"traits":%b,"context":%b}' % (event.properties, event.traits, event.context)
    return NewEntry(
        workspace_id=event.workspace_id,
        holder_no=event.subject_no,
        event_time=event.occurred_at,
        event_id=event.id,
        person_no_at_ingest=event.person_no,
        kind=event.kind,
        name=clean_text(event.name),
        source_id=event.source_id,
        received_at=event.received_at,
        body=body.decode(),
        sealed=base64.b64decode(event.sealed) if event.sealed is not None else None,
    )


def _provisional(event: EventRecorded) -> tuple[int, OwnershipFact]:
    """What the event says of its identifier's owner, until identity says it itself."""
    return event.workspace_id, OwnershipFact(event.subject_no, 0, event.person_no, event.received_at)


def _speaks(event: EventRecorded) -> bool:
    return speaks_of_consent(event.kind, event.name)


def _subject(event: EventRecorded) -> SubjectKey:
    return SubjectKey(event.workspace_id, event.subject_no)


def _person(event: EventRecorded) -> PersonKey:
    return PersonKey(event.workspace_id, event.person_no)
