"""Look at persons' contact points again, and say which channels became usable or unusable."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby

from libs.common import outbox
from libs.common.contracts.profile.contact_changed import ContactChanged
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.contact import usable_channels
from services.profile.domain.keys import PersonKey
from services.profile.store import contact_states, persons, tag_touches
from services.profile.store.contact_states import Reached
from services.profile.usecases.read_person import read_contact_points


async def refold_contacts(
    tx: Tx, people: Iterable[PersonKey], *, received_at: datetime, moved: Collection[PersonKey] = ()
) -> None:
    """Publish what changed for these persons and for those of a move, of which no journey starts.

    `received_at` is the watermark of what caused it.
    """
    asked = {*people, *moved}
    if not asked:
        return
    silent = set(moved) - set(people)
    versions = await persons.lock_persons(tx, asked)
    before = await contact_states.load(tx, versions)
    now = await _usable(tx, versions)
    gained = [(person, channel) for person in now for channel in sorted(now[person] - before.get(person, set()))]
    lost = [(person, channel) for person in before for channel in sorted(before[person] - now.get(person, set()))]
    await persons.raise_versions(tx, {person for person, _ in (*gained, *lost)})
    await contact_states.save(tx, [Reached(*one, versions[one[0]] + 1, received_at) for one in gained])
    await contact_states.drop(tx, lost)
    said = [
        contact_said(person, channel, usable=usable, version=versions[person] + 1, at=received_at, silent=is_silent)
        for usable, changed in ((True, gained), (False, lost))
        for person, channel in changed
        for is_silent in (person in silent,)
    ]
    await outbox.add(tx, said)
    await tag_touches.touch(tx, {person for person, _ in (*gained, *lost)}, received_at=received_at)


async def _usable(tx: Tx, people: Iterable[PersonKey]) -> dict[PersonKey, set[str]]:
    found: dict[PersonKey, set[str]] = {}
    # a batch of the bus is of one workspace, or of few
    for workspace_id, mine in groupby(sorted(people), key=lambda person: person.workspace_id):
        points = await read_contact_points(tx, workspace_id, [person.person_no for person in mine])
        found |= {PersonKey(workspace_id, number): usable_channels(known) for number, known in points.items()}
    return found


def contact_said(
    person: PersonKey, channel: str, *, usable: bool, version: int, at: datetime, silent: bool = False
) -> ContactChanged:
    """Return how it is said outside."""
    return ContactChanged(
        id=fact_id("contact", *person, channel, version),
        workspace_id=person.workspace_id,
        person_no=person.person_no,
        received_at=at,
        occurred_at=at,
        channel=channel,
        usable=usable,
        version=version,
        silent=silent,
    )
