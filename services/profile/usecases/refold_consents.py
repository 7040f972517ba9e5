"""Ask the ledger again about persons, and say what is different."""

from collections.abc import Iterable
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.db import Tx
from services.profile.domain.consent import Scope, Verdict, verdict_of_person
from services.profile.domain.keys import PersonKey
from services.profile.store import consents, persons
from services.profile.store.consents import ByIdentifier, Published
from services.profile.usecases.means import Means


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
    changes: list[tuple[PersonKey, Scope, Published]] = []
    for person in sorted(versions):
        now = means.now_of(person.workspace_id)
        before = published.get(person, {})
        for scope, verdict in _verdicts(ledger.get(person, {}), set(before), now).items():
            known = before.get(scope)
            since = verdict.by.event_time if verdict.by else known.since if known else received_at
            if known is None or known.state != verdict.state:
                changes.append((person, scope, Published(verdict.state, since, versions[person] + 1)))
    await persons.raise_versions(tx, {person for person, _, _ in changes})
    await consents.save_published(tx, changes)
    await consents.expect_expiries(tx, _expiries(ledger, means))
    await outbox.add(tx, [_event(*change, received_at=received_at) for change in changes])


def _verdicts(lines: ByIdentifier, published: set[Scope], now: datetime) -> dict[Scope, Verdict]:
    """Return the answer for every scope named in the lines or published before."""
    scopes = {statement.scope for said in lines.values() for statement in said} | published
    return {scope: verdict_of_person(lines, scope, now) for scope in sorted(scopes)}


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
