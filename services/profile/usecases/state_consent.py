"""Turn statements of consent into lines of the ledger."""

from collections.abc import Iterable
from uuid import uuid5

from libs.common.contracts.identity.event_recorded import EventRecorded
from services.profile.domain.consent_call import ConsentSaid
from services.profile.store.consents import NewLine


def lines_of_event(event: EventRecorded, said: Iterable[ConsentSaid]) -> list[NewLine]:
    """Return an event's lines: about its identifier, and from an authenticated person about all he then holds."""
    targets = [(event.subject_no, 0)]
    if event.authenticated:
        targets.append((0, event.person_no))
    return [
        NewLine(
            workspace_id=event.workspace_id,
            # the same event gives the same lines however often it is told
            statement_id=uuid5(event.id, f"{subject_no}|{person_no}|{'|'.join(one.scope)}"),
            event_id=event.id,
            subject_no=subject_no,
            person_no=person_no,
            lookup=None,
            purpose=one.scope.purpose,
            channel=one.scope.channel,
            topic=one.scope.topic,
            state=one.state,
            event_time=event.occurred_at,
            received_at=event.received_at,
            expires_at=one.expires_at,
            source="event",
            source_id=event.source_id,
            legal_basis=one.legal_basis,
            text_version=one.text_version,
            text_hash="",
            actor="person" if event.authenticated else "unauthenticated",
            proof=None,
        )
        for one in said
        for subject_no, person_no in targets
    ]
