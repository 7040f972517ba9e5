"""What the rules of tags answered about persons becomes theirs."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from libs.common.db import Tx
from services.profile.domain.keys import PersonKey
from services.profile.domain.tag import Held, Tag
from services.profile.store import guard, persons, tag_facts, tags
from services.profile.store.tag_facts import KeptTag, TagKey
from services.profile.usecases.say_tags import say_tags


class Answered(NamedTuple):
    """A rule as it was asked, about whom, and for whom it held."""

    tag: Tag
    asked: frozenset[int]
    inside: frozenset[int]


async def settle_tag_rules(
    tx: Tx,
    workspace_id: int,
    answers: Collection[Answered],
    *,
    now: datetime,
    received_at: datetime,
    quiet: Collection[int] = (),
) -> None:
    """Keep and say who has the tags now; of what is said of the `quiet` no journey starts.

    An answer to a rule that is another by now counts for nothing.
    """
    await guard.share_workspaces(tx, [workspace_id])
    current = {row.tag.tag: row.tag.version for row in await tags.of_kind(tx, [workspace_id], "rule")}
    answers = [one for one in answers if current.get(one.tag.tag) == one.tag.version]
    numbers = {number for one in answers for number in one.asked}
    rows = await persons.resolve_persons(tx, workspace_id, numbers)
    # who is merged has nothing any more: the survivor was asked about himself
    gone = {number for number, row in rows.items() if row.canonical_no != number}
    versions = await persons.lock_persons(tx, [PersonKey(workspace_id, number) for number in numbers])
    asked = {
        TagKey(*person, one.tag.tag): (one.tag, person.person_no in one.inside and person.person_no not in gone)
        for one in answers
        for person in versions
        if person.person_no in one.asked
    }
    before = await tag_facts.views(tx, asked)
    after = {key: _held(before.get(key), tag, now) if holds else None for key, (tag, holds) in asked.items()}
    silent = {PersonKey(workspace_id, number) for number in gone.union(quiet)}
    await say_tags(tx, before=before, after=after, versions=versions, received_at=received_at, silent=silent)


def _held(before: KeptTag | None, tag: Tag, now: datetime) -> Held:
    since = before.held.since if before is not None and not before.held.is_over(now) else now
    return Held("rule", since, tag.version, now, tag.expires(now))
