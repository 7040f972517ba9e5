"""Put a tag into the catalogue, or change it."""

from datetime import datetime

from libs.common.db import Tx
from libs.common.errors import Conflict, Invalid
from services.profile.domain.tag import Tag, tags_named
from services.profile.domain.values import parse_json
from services.profile.store import guard, tags
from services.profile.store.tags import TagRow


async def define_tag(tx: Tx, workspace_id: int, tag: Tag, *, now: datetime) -> TagRow:
    """Keep a tag; another rule, event or time to live is a new version, computed for everybody in the background.

    Raises Conflict where the kind would change, Invalid where a rule would depend on itself.
    """
    if tag.kind == "event":
        # whoever records now has seen the old definition: he is done before the walk begins, and read again by it
        await guard.hold_workspaces(tx, [workspace_id])
    known = await tags.one(tx, workspace_id, tag.tag)
    if known is not None and known.tag.kind != tag.kind:
        raise Conflict(f"the tag is of kind {known.tag.kind}; another kind is another tag")
    if tag.kind == "rule":
        await _refuse_cycles(tx, workspace_id, tag)
    version = await tags.save(tx, workspace_id, tag, now)
    if tag.kind != "manual" and (known is None or version != known.tag.version):
        await tags.walk(tx, workspace_id, tag.tag, version)
    saved = await tags.one(tx, workspace_id, tag.tag)
    if saved is None:
        raise Conflict("the tag was taken away at the same moment")
    return saved


async def _refuse_cycles(tx: Tx, workspace_id: int, tag: Tag) -> None:
    refers = {
        row.tag.tag: set(tags_named(parse_json(row.tag.rule))) for row in await tags.of_kind(tx, [workspace_id], "rule")
    }
    refers[tag.tag] = set(tags_named(parse_json(tag.rule)))
    reached: set[str] = set()
    waiting = list(refers[tag.tag])
    while waiting:
        name = waiting.pop()
        if name == tag.tag:
            raise Invalid.at("/rule", "the tag would depend on itself")
        if name not in reached:
            reached.add(name)
            waiting.extend(refers.get(name, ()))
