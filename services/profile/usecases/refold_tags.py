"""Fold the tags that facts decide again, after their facts or their owners changed."""

from collections.abc import Collection, Iterable
from datetime import datetime

from libs.common.db import Tx
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.tag import fold
from services.profile.store import persons, tag_facts
from services.profile.store.tag_facts import TagKey
from services.profile.usecases.say_tags import say_tags


async def refold_tags(
    tx: Tx, keys: Iterable[TagKey], *, received_at: datetime, moved: Collection[PersonKey] = ()
) -> None:
    """Publish what changed of these tags; of what changed for persons of a move no journey starts."""
    asked = set(keys)
    if not asked:
        return
    versions = await persons.lock_persons(tx, {key.person for key in asked})
    known = [key for key in asked if key.person in versions]
    before = await tag_facts.views(tx, known)
    facts = await tag_facts.facts_of(tx, known)
    after = {
        key: fold(facts.get(key, ()))
        for key in known
        # a rule's answer is its own: nothing that was said through identifiers changes it
        if key in facts or (key in before and before[key].held.source != "rule")
    }
    await say_tags(tx, before=before, after=after, versions=versions, received_at=received_at, silent=moved)


async def refold_moved_tags(
    tx: Tx, subjects: Collection[SubjectKey], people: Collection[PersonKey], *, received_at: datetime
) -> None:
    """Let tags go with identifiers that changed hands between these persons."""
    if not subjects:
        return
    said = await tag_facts.tags_of_subjects(tx, subjects)
    found = {(subject.workspace_id, tag) for subject, named in said.items() for tag in named}
    keys = [
        TagKey(*person, tag) for person in people for workspace_id, tag in found if workspace_id == person.workspace_id
    ]
    await refold_tags(tx, keys, received_at=received_at, moved=people)
