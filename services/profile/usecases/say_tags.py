"""Keep what persons have of tags, say what changed, and let the rules that name those tags be asked again."""

from collections.abc import Collection, Mapping
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.tag_changed import TagChanged
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.keys import PersonKey
from services.profile.domain.tag import Held, tags_named
from services.profile.domain.values import parse_json
from services.profile.store import persons, tag_facts, tag_touches, tags
from services.profile.store.tag_facts import KeptTag, TagKey


async def say_tags(
    tx: Tx,
    *,
    before: Mapping[TagKey, KeptTag],
    after: Mapping[TagKey, Held | None],
    versions: Mapping[PersonKey, int],
    received_at: datetime,
    silent: Collection[PersonKey] = (),
) -> None:
    """Take `after` over for these locked persons; `versions` counts what was said about them."""
    changed = [key for key, held in after.items() if _differs(before.get(key), held)]
    await persons.raise_versions(tx, {key.person for key in changed})
    raised = set(changed)
    kept = [
        (key, KeptTag(held, versions[key.person] + 1 if key in raised else before[key].version))
        for key, held in after.items()
        if held is not None
    ]
    await tag_facts.save_views(tx, kept)
    await tag_facts.drop_views(tx, [key for key, held in after.items() if held is None and key in before])
    said = [
        tag_said(key, after[key], versions[key.person] + 1, received_at=received_at, silent=key.person in silent)
        for key in changed
    ]
    await outbox.add(tx, said)
    await _touch_dependents(tx, changed, received_at)


def tag_said(
    key: TagKey, held: Held | None, version: int, *, received_at: datetime, silent: bool = False
) -> TagChanged:
    """Return how it is said outside."""
    return TagChanged(
        id=fact_id("tag", *key, version),
        workspace_id=key.workspace_id,
        person_no=key.person_no,
        received_at=received_at,
        occurred_at=held.since if held is not None else received_at,
        tag=key.tag,
        held=held is not None,
        version=version,
        since=held.since if held is not None else None,
        until=held.expires_at if held is not None else None,
        source=held.source if held is not None else "",
        rule_version=held.rule_version if held is not None else 0,
        silent=silent,
    )


def _differs(before: KeptTag | None, held: Held | None) -> bool:
    if before is None or held is None:
        return (before is None) is not (held is None)
    old = before.held
    return (old.source, old.since, old.expires_at) != (held.source, held.since, held.expires_at)


async def _touch_dependents(tx: Tx, changed: Collection[TagKey], received_at: datetime) -> None:
    if not changed:
        return
    rules = await tags.of_kind(tx, {key.workspace_id for key in changed}, "rule")
    people: dict[tuple[int, str], set[PersonKey]] = {}
    for row in rules:
        named = set(tags_named(parse_json(row.tag.rule)))
        concerned = {key.person for key in changed if key.workspace_id == row.workspace_id and key.tag in named}
        if concerned:
            people[row.workspace_id, row.tag.tag] = concerned
    # one statement for each rule that names a tag: few do
    for (_, tag), concerned in sorted(people.items()):
        await tag_touches.touch(tx, concerned, received_at=received_at, tags=[tag])
