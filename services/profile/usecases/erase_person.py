"""Delete everything about a person and keep a receipt that names nobody."""

from libs.common import outbox
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.profile.profile_forgotten import ProfileForgotten
from libs.common.db import Tx
from libs.common.erasure import forget_dead_letters
from services.profile.domain.keys import PersonKey, SubjectKey, TraitKey
from services.profile.store import consents, erasure, guard, ownership, persons, phones, trait_facts
from services.profile.store.erasure import Receipt
from services.profile.store.persons import Standing
from services.profile.store.tag_facts import TagKey, tags_of_subjects
from services.profile.usecases.means import Means
from services.profile.usecases.refold_consents import refold_consents
from services.profile.usecases.refold_contacts import refold_contacts
from services.profile.usecases.refold_tags import refold_tags
from services.profile.usecases.refold_traits import Touch, Touched, refold_traits, touch


async def erase_person(tx: Tx, event: PersonErased, *, means: Means) -> None:
    """Delete rows under his identifiers and numbers; others who once owned one of them are folded again.

    Tombstones keep later, late and repeated events of the erased identifiers out.
    """
    workspace_id = event.workspace_id
    await guard.hold_workspaces(tx, [workspace_id])
    await persons.apply_standing(
        tx,
        [
            Standing(
                workspace_id, event.person_no, event.person_id, "erased", None, event.graph_version, event.received_at
            )
        ],
    )
    numbers = {
        event.person_no,
        *event.retired_nos,
        *(await persons.aliases_of(tx, workspace_id, [event.person_no])).get(event.person_no, ()),
    }
    others = {
        person
        for person in await erasure.owners_ever(tx, workspace_id, event.subject_nos)
        if person.person_no not in numbers
    }
    touched = await _traits_of_others(tx, event, others)
    # whoever gave a number that was his is reached there again
    held = {number for mine in (await ownership.held_now(tx, workspace_id, numbers)).values() for number in mine}
    sharing = await phones.persons_with_phones(
        tx, [SubjectKey(workspace_id, number) for number in held | set(event.subject_nos)]
    )
    owners = frozenset(others)
    tagged = await tags_of_subjects(tx, [SubjectKey(workspace_id, number) for number in event.subject_nos])
    others |= await consents.present_owners_of_once_held(
        tx, await erasure.spoken_for(tx, workspace_id, event.subject_nos)
    )
    # what he did on a device that is somebody else's by now is his
    counts = {"timeline": await erasure.delete_of_intervals(tx, workspace_id, numbers)}
    for table, count in (await erasure.delete_of_subjects(tx, workspace_id, event.subject_nos)).items():
        counts[table] = counts.get(table, 0) + count
    for table, count in (await erasure.delete_of_persons(tx, workspace_id, numbers)).items():
        counts[table] = counts.get(table, 0) + count
    await refold_traits(tx, touched, means=means)
    await refold_contacts(tx, owners, moved=sharing, received_at=event.received_at)
    lost = {TagKey(*owner, tag) for owner in owners for named in tagged.values() for tag in named}
    await refold_tags(tx, lost, received_at=event.received_at, moved=owners)
    await refold_consents(tx, others, received_at=event.received_at, means=means)
    counts["dead_letter"] = await forget_dead_letters(
        tx, workspace_id, person_nos=numbers, subject_nos=event.subject_nos
    )
    now = means.now_of(workspace_id)
    await erasure.keep_receipt(tx, workspace_id, Receipt(event.erasure_id, event.person_id, counts, now))
    await outbox.add(
        tx,
        ProfileForgotten(
            workspace_id=workspace_id, person_no=event.person_no, received_at=event.received_at, occurred_at=now,
            erasure_id=event.erasure_id, deleted=counts,
        ),
    )  # fmt: skip


async def _traits_of_others(tx: Tx, event: PersonErased, others: set[PersonKey]) -> Touched:
    touched: Touched = {}
    if not others:
        return touched
    subjects = {SubjectKey(event.workspace_id, subject_no) for subject_no in event.subject_nos}
    names = {name for found in (await trait_facts.traits_of_subjects(tx, subjects)).values() for name in found}
    for person in others:
        for name in names:
            touch(touched, TraitKey(*person, name), Touch(event.received_at, None, silent=True))
    return touched
