"""Ask the ledger again about persons, and say what is different."""

from collections.abc import Collection, Iterable
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.consent import Scope
from services.profile.domain.consent_outlook import Outlook, outlooks
from services.profile.domain.keys import PersonKey
from services.profile.store import consent_expiries, consents, persons, tag_touches
from services.profile.store.consents import ByIdentifier, Published
from services.profile.usecases.means import Means
from services.profile.usecases.tell_permissions import tell_permissions

Change = tuple[PersonKey, Scope, Published]


async def refold_consents(
    tx: Tx,
    people: Iterable[PersonKey],
    *,
    received_at: datetime,
    means: Means,
    moved: Collection[PersonKey] = (),
) -> None:
    """Publish, per scope (`outlooks`), the answers that changed for these persons and for those of a move.

    `received_at` is the watermark of what caused it; `moved` are those who won or lost identifiers: no journey starts.
    """
    asked = {*people, *moved}
    if not asked:
        return
    silent = set(moved) - set(people)
    versions = await persons.lock_persons(tx, asked)
    ledger = await consents.consents_of_persons(tx, versions)
    published = await consents.load_published(tx, versions)
    changes: list[Change] = []
    gone: list[Change] = []
    for person in sorted(versions):
        known = published.get(person, {})
        present = outlooks(ledger.get(person, {}), means.now_of(person.workspace_id))
        version = versions[person] + 1
        changes += [
            (person, scope, Published(outlook, version))
            for scope, outlook in present.items()
            if scope not in known or known[scope].outlook != outlook
        ]
        gone += [
            (person, scope, Published(Outlook("unknown", known[scope].since), version))
            for scope in sorted(set(known) - set(present))
        ]
    await persons.raise_versions(tx, {person for person, _, _ in (*changes, *gone)})
    await consents.save_published(tx, changes)
    await consents.drop_published(tx, [change[:2] for change in gone])
    await consent_expiries.expect_expiries(tx, _expiries(ledger, means))
    await tell_permissions(tx, versions, ledger, received_at=received_at)
    said = [consent_said(*change, received_at=received_at, silent=change[0] in silent) for change in (*changes, *gone)]
    await outbox.add(tx, said)
    await tag_touches.touch(tx, {change[0] for change in (*changes, *gone)}, received_at=received_at)


def _expiries(ledger: dict[PersonKey, ByIdentifier], means: Means) -> list[tuple[int, int, datetime]]:
    return [
        (*person, statement.expires_at)
        for person, lines in ledger.items()
        for said in lines.values()
        for statement in said
        if statement.expires_at is not None and statement.expires_at > means.now_of(person.workspace_id)
    ]


def consent_said(
    person: PersonKey, scope: Scope, published: Published, *, received_at: datetime, silent: bool = False
) -> ConsentChanged:
    """Return how it is said outside."""
    outlook = published.outlook
    return ConsentChanged(
        id=fact_id("consent", *person, scope.purpose, scope.channel, scope.topic, published.version),
        workspace_id=person.workspace_id,
        person_no=person.person_no,
        received_at=received_at,
        occurred_at=outlook.since,
        purpose=scope.purpose,
        channel=scope.channel,
        topic=scope.topic,
        state=outlook.state,
        version=published.version,
        until=outlook.until,
        after="unknown" if outlook.after == "granted" else outlook.after,
        silent=silent,
    )
