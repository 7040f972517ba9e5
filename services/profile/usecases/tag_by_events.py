"""Events give tags: those of a batch, and all that ever came once a tag's definition is another."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.db import Tx
from services.profile.domain.keys import SubjectKey
from services.profile.domain.tag import Tag, TagFact
from services.profile.domain.values import Json, clean_text, parse_object
from services.profile.store import ownership, subjects, tag_facts, timeline
from services.profile.store.tag_facts import TagKey
from services.profile.store.tags import TagRow
from services.profile.usecases.refold_tags import refold_tags


def tags_given(events: Iterable[EventRecorded], defined: Iterable[TagRow]) -> list[tuple[int, TagFact]]:
    """Return (workspace, fact) for the tags that tracked events give."""
    by_name: dict[tuple[int, str], list[Tag]] = {}
    for row in defined:
        by_name.setdefault((row.workspace_id, row.tag.event), []).append(row.tag)
    facts: list[tuple[int, TagFact]] = []
    for event in events if by_name else ():
        fitting = by_name.get((event.workspace_id, clean_text(event.name)), []) if event.kind == "track" else []
        properties = parse_object(bytes(event.properties)) if fitting else {}
        facts += [
            (event.workspace_id, _fact(tag, event.subject_no, event.id, event.occurred_at, event.received_at))
            for tag in fitting
            if tag.is_told_by(tag.event, properties)
        ]
    return facts


async def keep_tags(tx: Tx, facts: Collection[tuple[int, TagFact]], *, received_at: datetime) -> None:
    """Keep what locked identifiers were given, whatever the order and repetition, and say what changed."""
    if facts:
        await tag_facts.add_facts(tx, facts)
        said = {(SubjectKey(workspace_id, fact.subject_no), fact.tag) for workspace_id, fact in facts}
        await refold_tags(tx, await _keys(tx, said), received_at=received_at)


async def tag_by_history(
    tx: Tx, workspace_id: int, tag: Tag, *, after_no: int, limit: int, received_at: datetime
) -> int | None:
    """Give a tag anew by everything that ever came by the next identifiers; return the last of them, None at the end.

    What it gave by an older definition goes.
    """
    numbers = await subjects.numbers_after(tx, workspace_id, after_no, limit)
    locked = await subjects.lock_subjects(tx, [SubjectKey(workspace_id, number) for number in numbers])
    held = sorted(subject.subject_no for subject in locked)
    entries = await timeline.entries_named(tx, workspace_id, held, tag.event)
    facts = [
        (workspace_id, _fact(tag, entry.holder_no, entry.event_id, entry.event_time, entry.received_at))
        for entry in entries
        if tag.is_told_by(tag.event, _properties(parse_object(entry.body.encode())))
    ]
    await tag_facts.forget_facts_of_event(tx, workspace_id, tag.tag, held)
    await tag_facts.add_facts(tx, facts)
    keys = await _keys(tx, {(subject, tag.tag) for subject in locked})
    await refold_tags(tx, keys, received_at=received_at, moved={key.person for key in keys})
    return numbers[-1] if len(numbers) == limit else None


def _fact(tag: Tag, subject_no: int, event_id: UUID, at: datetime, received_at: datetime) -> TagFact:
    return TagFact(subject_no, tag.tag, event_id, "assign", "event", tag.version, at, received_at, tag.expires(at))


def _properties(body: Mapping[str, Json]) -> Mapping[str, Json]:
    found = body.get("properties")
    return found if isinstance(found, dict) else {}


async def _keys(tx: Tx, said: Iterable[tuple[SubjectKey, str]]) -> set[TagKey]:
    """Return the tags of everybody who ever owned the identifiers."""
    said = set(said)
    painted = await ownership.ownership_of(tx, {subject for subject, _ in said})
    return {
        TagKey(subject.workspace_id, interval.person_no, tag)
        for subject, tag in said
        for interval in painted.get(subject, ())
    }
