"""Ask the ledger again about persons, and say what is different."""

from collections.abc import Iterable
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.consent import ConsentState, Scope, verdict_of_person
from services.profile.domain.keys import PersonKey
from services.profile.store import consents, persons
from services.profile.store.consents import ByIdentifier, Published
from services.profile.usecases.means import Means

Change = tuple[PersonKey, Scope, Published]


async def refold_consents(tx: Tx, people: Iterable[PersonKey], *, received_at: datetime, means: Means) -> None:
    """Publish, per scope that the ledger names for these persons, the states that changed.

    `received_at` is the watermark of what caused it.
    """
    asked = set(people)
    if not asked:
        return
    versions = await persons.lock_persons(tx, asked)
    ledger = await consents.consents_of_persons(tx, versions)
    published = await consents.load_published(tx, versions)
    changes: list[Change] = []
    for person in sorted(versions):
        known = published.get(person, {})
        states = _states(ledger.get(person, {}), means.now_of(person.workspace_id))
        changes += [
            (person, scope, Published(*state, versions[person] + 1))
            for scope, state in states.items()
            if scope not in known or known[scope][:2] != state
        ]
        changes += [
            (person, scope, Published("unknown", known[scope].since, versions[person] + 1))
            for scope in sorted(set(known) - set(states))
        ]
    await persons.raise_versions(tx, {person for person, _, _ in changes})
    await consents.save_published(tx, [change for change in changes if _is_named(change, ledger)])
    await consents.drop_published(tx, [change[:2] for change in changes if not _is_named(change, ledger)])
    await consents.expect_expiries(tx, _expiries(ledger, means))
    await outbox.add(tx, [_event(*change, received_at=received_at) for change in changes])


def _states(lines: ByIdentifier, now: datetime) -> dict[Scope, tuple[ConsentState, datetime]]:
    """Return the answer for every scope named in the lines, and since when it holds."""
    said = [statement for found in lines.values() for statement in found]
    states: dict[Scope, tuple[ConsentState, datetime]] = {}
    for scope in sorted({statement.scope for statement in said}):
        verdict = verdict_of_person(lines, scope, now)
        last = max(statement.event_time for statement in said if statement.scope.covers(scope))
        states[scope] = verdict.state, verdict.by.event_time if verdict.by is not None else last
    return states


def _is_named(change: Change, ledger: dict[PersonKey, ByIdentifier]) -> bool:
    person, scope, _ = change
    return any(statement.scope == scope for said in ledger.get(person, {}).values() for statement in said)


def _expiries(ledger: dict[PersonKey, ByIdentifier], means: Means) -> list[tuple[int, int, datetime]]:
    return [
        (*person, statement.expires_at)
        for person, lines in ledger.items()
        for said in lines.values()
        for statement in said
        if statement.expires_at is not None and statement.expires_at > means.now_of(person.workspace_id)
    ]


def _event(person: PersonKey, scope: Scope, published: Published, *, received_at: datetime) -> ConsentChanged:
    return ConsentChanged(
        id=fact_id("consent", *person, scope.purpose, scope.channel, scope.topic, published.version),
        workspace_id=person.workspace_id,
        person_no=person.person_no,
        received_at=received_at,
        occurred_at=published.since,
        purpose=scope.purpose,
        channel=scope.channel,
        topic=scope.topic,
        state=published.state,
        version=published.version,
    )
