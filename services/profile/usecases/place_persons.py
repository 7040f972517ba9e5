"""Take over which persons there are, and which redirect to which."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.contracts.identity.person_merged import PersonMerged
from libs.common.contracts.identity.person_split import PersonSplit
from libs.common.db import Tx
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.store import erasure, guard, ownership, persons, phones, tag_touches
from services.profile.store.persons import Standing
from services.profile.usecases.refold_contacts import refold_contacts

Placing = PersonCreated | PersonMerged | PersonSplit


async def place_persons(tx: Tx, events: Sequence[Placing]) -> None:
    """Keep each person's standing of the greatest graph version; what is known moves with the identifiers."""
    await guard.share_workspaces(tx, {event.workspace_id for event in events})
    standings = [standing for event in events for standing in _standings(event)]
    placed = {PersonKey(one.workspace_id, one.person_no) for one in standings}
    await persons.note_persons(
        tx, {PersonKey(one.workspace_id, one.person_no): (one.person_id, one.received_at) for one in standings}
    )
    erased = await _merged_into_erased(tx, events)
    freed = await _sharing_with(tx, erased)
    before: set[PersonKey] = set()

    async def all_concerned() -> set[PersonKey]:
        nonlocal before
        before = await persons.with_survivors(tx, placed)
        return before | freed | erased

    await persons.lock_found(tx, all_concerned)
    await persons.apply_standing(tx, standings)
    for workspace_id, mine in groupby(sorted(erased), key=lambda person: person.workspace_id):
        await erasure.delete_of_persons(tx, workspace_id, [person.person_no for person in mine])
    if any(not isinstance(event, PersonCreated) for event in events):
        # what was reported of addresses is kept by person: it goes where the redirects go
        heirs = before | await persons.with_survivors(tx, placed)
        await tag_touches.touch(
            tx,
            heirs,
            received_at=max(event.received_at for event in events),
            tags=[tag_touches.EVERY, tag_touches.QUIET],
        )
        await refold_contacts(tx, (), moved=heirs | freed, received_at=max(event.received_at for event in events))


def _standings(event: Placing) -> list[Standing]:
    active = Standing(
        event.workspace_id, event.person_no, event.person_id, "active", None, event.graph_version, event.received_at
    )
    if isinstance(event, PersonMerged):
        return [
            active,
            *(
                active._replace(
                    person_no=one.person_no, person_id=one.person_id, state="merged", redirect_to=event.person_no
                )
                for one in event.absorbed
            ),
        ]
    if isinstance(event, PersonSplit):
        return [active, *(active._replace(person_no=p.person_no, person_id=p.person_id) for p in event.parts)]
    return [active]


async def _merged_into_erased(tx: Tx, events: Iterable[Placing]) -> set[PersonKey]:
    """Return those who merged into an erased person: they are erased too, in whichever order it is heard."""
    merges = [event for event in events if isinstance(event, PersonMerged)]
    winners = {PersonKey(event.workspace_id, event.person_no) for event in merges}
    gone = await persons.erased_among(tx, winners) if winners else set()
    return {
        PersonKey(event.workspace_id, one.person_no)
        for event in merges
        if PersonKey(event.workspace_id, event.person_no) in gone
        for one in event.absorbed
    }


async def _sharing_with(tx: Tx, erased: Collection[PersonKey]) -> set[PersonKey]:
    """Return who has the telephone numbers that are the identifiers of these persons."""
    left: list[SubjectKey] = []
    for workspace_id, mine in groupby(sorted(erased), key=lambda person: person.workspace_id):
        held = await ownership.held_now(tx, workspace_id, [person.person_no for person in mine])
        left += [SubjectKey(workspace_id, number) for numbers in held.values() for number in numbers]
    return await phones.persons_with_phones(tx, left)
