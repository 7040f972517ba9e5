"""Give a tag to persons by hand, or take it from them."""

from collections.abc import Collection
from datetime import datetime

from libs.common.db import Tx
from libs.common.errors import Conflict
from libs.common.ids import new_id
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.tag import Tag, TagFact, Word
from services.profile.store import guard, ownership, subjects, tag_facts
from services.profile.store.tag_facts import TagKey
from services.profile.usecases.refold_tags import refold_tags


async def assign_tag(
    tx: Tx, people: Collection[PersonKey], tag: Tag, word: Word, *, now: datetime, expires_at: datetime | None = None
) -> set[PersonKey]:
    """Say a word of a tag about persons of one workspace, each through the first identifier he holds.

    Returns those it was said about: who has no identifier here yet, or was erased, falls out. Raises Conflict for a
    tag that is not given by hand.
    """
    if tag.kind != "manual":
        raise Conflict(f"the tag is given by {'its rule' if tag.kind == 'rule' else 'events'}, not by hand")
    if not people:
        return set()
    [workspace_id] = {person.workspace_id for person in people}
    await guard.share_workspaces(tx, [workspace_id])
    held = await ownership.held_now(tx, workspace_id, [person.person_no for person in people])
    through = {SubjectKey(workspace_id, min(numbers)): number for number, numbers in held.items()}
    locked = await subjects.lock_subjects(tx, through)
    ends = (expires_at or tag.expires(now)) if word == "assign" else None
    facts = [
        TagFact(subject.subject_no, tag.tag, new_id(), word, "manual", tag.version, now, now, ends)
        for subject in sorted(locked)
    ]
    await tag_facts.add_facts(tx, [(workspace_id, fact) for fact in facts])
    said = {PersonKey(workspace_id, through[subject]) for subject in locked}
    await refold_tags(tx, [TagKey(*person, tag.tag) for person in said], received_at=now)
    return said
