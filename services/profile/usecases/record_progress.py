"""What messages and journeys did with a person: timeline rows, contact states, withdrawals."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import uuid5

import msgspec

from libs.common.contracts.event import Event
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.db import Tx
from services.profile.domain.consent import ANY
from services.profile.domain.consent_call import DEFAULT_PURPOSE
from services.profile.domain.contact import KIND_BY_CHANNEL
from services.profile.domain.keys import PersonKey
from services.profile.domain.values import clean_text
from services.profile.store import consents, contacts, guard, persons, tag_touches, timeline
from services.profile.store.consents import NewLine
from services.profile.store.contacts import NewReport
from services.profile.store.timeline import NewEntry
from services.profile.usecases.means import Means
from services.profile.usecases.refold_consents import refold_consents
from services.profile.usecases.refold_contacts import refold_contacts

E = TypeVar("E", bound=Event)
_REPORTED = ("bounced", "complained", "unsubscribed")
_WITHDRAWS = ("complained", "unsubscribed")
_ENVELOPE = frozenset({"id", "workspace_id", "person_no", "received_at", "occurred_at"})


async def record_messages(tx: Tx, events: Sequence[MessageProgressed], *, means: Means) -> None:
    """Keep what became of messages; an unsubscription or complaint withdraws consent for the channel."""
    kept = await _of_the_living(tx, events)
    await timeline.add_entries(tx, [_entry(event, "message", f"Message {event.state}") for event in kept])
    reports = [report for event in kept if (report := _report(event)) is not None]
    await contacts.add_reports(tx, reports)
    await _touch_rules(tx, kept)
    lines = [_withdrawal(event) for event in kept if event.state in _WITHDRAWS]
    if not reports and not lines:
        return
    await consents.add_lines(tx, lines)
    received_at = max(event.received_at for event in kept)
    reported: set[PersonKey] = set()
    concerned: set[PersonKey] = set()

    async def both() -> set[PersonKey]:
        nonlocal reported, concerned
        reported = await persons.with_survivors(tx, map(_aim, reports))
        concerned = await consents.present_owners_of_once_held(tx, map(_aim, lines))
        return reported | concerned

    await persons.lock_found(tx, both)
    await refold_contacts(tx, reported, received_at=received_at)
    await refold_consents(tx, concerned, received_at=received_at, means=means)


def _aim(row: NewReport | NewLine) -> PersonKey:
    return PersonKey(row.workspace_id, row.person_no)


async def record_runs(tx: Tx, events: Sequence[RunProgressed]) -> None:
    """Keep the steps of journeys in the timeline."""
    kept = await _of_the_living(tx, events)
    await timeline.add_entries(tx, [_entry(event, "journey", f"Journey {event.state}") for event in kept])
    await _touch_rules(tx, kept)


async def _touch_rules(tx: Tx, events: Sequence[Event]) -> None:
    if events:
        people = await persons.with_survivors(tx, {_person(event) for event in events})
        await tag_touches.touch(tx, people, received_at=max(event.received_at for event in events))


async def _of_the_living(tx: Tx, events: Sequence[E]) -> list[E]:
    await guard.share_workspaces(tx, {event.workspace_id for event in events})
    people = {_person(event) for event in events if event.person_no}
    gone = await persons.erased_among(tx, people)
    return [event for event in events if event.person_no and _person(event) not in gone]


def _entry(event: Event, kind: str, name: str) -> NewEntry:
    fields = {name: value for name, value in msgspec.to_builtins(event).items() if name not in _ENVELOPE}
    return NewEntry(
        workspace_id=event.workspace_id,
        holder_no=-event.person_no,
        event_time=event.occurred_at,
        event_id=event.id,
        person_no_at_ingest=event.person_no,
        kind=kind,
        name=name,
        source_id=0,
        received_at=event.received_at,
        body=msgspec.json.encode({"properties": fields}).decode(),
        sealed=None,
    )


def _report(event: MessageProgressed) -> NewReport | None:
    kind = KIND_BY_CHANNEL.get(event.channel)
    if kind is None or event.state not in _REPORTED:
        return None
    return NewReport(event.workspace_id, event.id, event.person_no, kind, event.state, event.occurred_at)


def _withdrawal(event: MessageProgressed) -> NewLine:
    return NewLine(
        workspace_id=event.workspace_id,
        statement_id=uuid5(event.id, "withdrawn"),
        event_id=event.id,
        subject_no=0,
        person_no=event.person_no,
        lookup=None,
        purpose=DEFAULT_PURPOSE,
        channel=clean_text(event.channel) or ANY,
        topic=clean_text(event.topic) if event.state == "unsubscribed" else "",
        state="withdrawn",
        event_time=event.occurred_at,
        received_at=event.received_at,
        expires_at=None,
        source="message",
        source_id=0,
        legal_basis="",
        text_version="",
        text_hash="",
        actor="person",
        proof=None,
    )


def _person(event: Event) -> PersonKey:
    return PersonKey(event.workspace_id, event.person_no)
