"""The catalogue of tags, and the walks that compute one again for everybody."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Record

from libs.common.db import Tx, statement
from services.profile.domain.tag import PropertyFilter, Tag

_COLUMNS = """
workspace_id, tag, tag_group, owner, description, kind, refresh, ttl_seconds, event, filters, rule, version, changed_at,
refreshed_at
"""
_SAVE = """
insert into tag_catalogue as t (
    workspace_id, tag, tag_group, owner, description, kind, refresh, ttl_seconds, event, filters, rule, changed_at,
    refreshed_at
)
values (
    :workspace_id, :tag, :group, :owner, :description, :kind, :refresh, :ttl_seconds, :event, :filters, :rule, :now,
    :now
)
on conflict (workspace_id, tag) do update set
    tag_group = excluded.tag_group, owner = excluded.owner, description = excluded.description,
    refresh = excluded.refresh, ttl_seconds = excluded.ttl_seconds, event = excluded.event, filters = excluded.filters,
    rule = excluded.rule, changed_at = excluded.changed_at,
    version = t.version + ((t.ttl_seconds, t.event, t.filters, t.rule)
        is distinct from (excluded.ttl_seconds, excluded.event, excluded.filters, excluded.rule))::int
returning version
"""
_ONE = f"select {_COLUMNS} from tag_catalogue where workspace_id = :workspace_id and tag = :tag"
_NAMED = f"select {_COLUMNS} from tag_catalogue where workspace_id = :workspace_id and tag = any(:tags::text[])"
_PAGE = f"""
select {_COLUMNS} from tag_catalogue
where workspace_id = :workspace_id and tag > :after and (:segment = '' or strpos(lower(rule), :segment) > 0)
order by tag limit :row_limit
"""
_OF_KIND = f"""
select {_COLUMNS} from tag_catalogue where workspace_id = any(:workspace_ids::int[]) and kind = :kind
order by workspace_id, tag
"""
_COUNTS = """
select tag, count(*) as persons from tag_view
where workspace_id = :workspace_id and tag = any(:tags::text[]) and (expires_at is null or expires_at > :now)
group by tag
"""
_PERSONS = "select count(*) from person where workspace_id = :workspace_id and state = 'active'"
_WALK = """
insert into tag_walk (workspace_id, tag, version, is_edit) values (:workspace_id, :tag, :version, true)
on conflict (workspace_id, tag) do update set version = excluded.version, is_edit = true, after_no = 0
"""
_CLAIM = """
select w.workspace_id, w.tag, w.version, w.is_edit, w.after_no from tag_walk w order by w.workspace_id, w.tag
limit 1 for update skip locked
"""
_ADVANCE = "update tag_walk set after_no = :after_no where workspace_id = :workspace_id and tag = :tag"
_DONE = "delete from tag_walk where workspace_id = :workspace_id and tag = :tag"
_OPEN = "select count(*) from tag_walk where workspace_id = :workspace_id"
_WALK_DUE = """
with due as (
    update tag_catalogue t set refreshed_at = coalesce(w.driven_now, clock_timestamp())
    from workspace w
    where w.workspace_id = t.workspace_id and not w.held and t.kind = 'rule'
      and t.refreshed_at <= coalesce(w.driven_now, clock_timestamp()) - interval '1 day'
    returning t.workspace_id, t.tag, t.version
)
insert into tag_walk (workspace_id, tag, version, is_edit) select due.*, false from due
on conflict (workspace_id, tag) do update set version = excluded.version, after_no = 0
"""
_NEXT = """
select min(refreshed_at) + interval '1 day' from tag_catalogue where workspace_id = :workspace_id and kind = 'rule'
"""


class TagRow(NamedTuple):
    """A tag of a workspace, and when it was last changed and refreshed."""

    workspace_id: int
    tag: Tag
    changed_at: datetime
    refreshed_at: datetime


class Walk(NamedTuple):
    """A tag that is computed again for everybody, because it was edited or is due, up to the last number done."""

    workspace_id: int
    tag: str
    version: int
    is_edit: bool
    after_no: int


async def save(tx: Tx, workspace_id: int, tag: Tag, now: datetime) -> int:
    """Keep a tag; return its version, which another rule, event or time to live makes a new one."""
    version: int = await tx.fetch_value(
        statement(_SAVE), workspace_id=workspace_id, tag=tag.tag, group=tag.group, owner=tag.owner,
        description=tag.description, kind=tag.kind, refresh=tag.refresh, ttl_seconds=tag.ttl_seconds, event=tag.event,
        filters=msgspec.json.encode(tag.filters).decode(), rule=tag.rule, now=now,
    )  # fmt: skip
    return version


async def one(tx: Tx, workspace_id: int, tag: str) -> TagRow | None:
    """Return a tag."""
    record = await tx.fetch_one(statement(_ONE), workspace_id=workspace_id, tag=tag)
    return _row(record) if record is not None else None


async def named(tx: Tx, workspace_id: int, names: Collection[str]) -> dict[str, TagRow]:
    """Return tags of the catalogue by their names."""
    records = await tx.fetch(statement(_NAMED), workspace_id=workspace_id, tags=list(names))
    return {record["tag"]: _row(record) for record in records}


async def page(tx: Tx, workspace_id: int, *, after: str, limit: int, segment_id: UUID | None = None) -> list[TagRow]:
    """Return tags by name; of a segment those whose rule names it."""
    records = await tx.fetch(
        statement(_PAGE), workspace_id=workspace_id, after=after, row_limit=limit, segment=str(segment_id or "")
    )
    return [_row(record) for record in records]


async def of_kind(tx: Tx, workspace_ids: Collection[int], kind: str) -> list[TagRow]:
    """Return the tags of a kind."""
    records = await tx.fetch(statement(_OF_KIND), workspace_ids=sorted(set(workspace_ids)), kind=kind)
    return [_row(record) for record in records]


async def coverage(tx: Tx, workspace_id: int, tags: Collection[str], now: datetime) -> tuple[dict[str, int], int]:
    """Return how many persons have each tag, and how many there are."""
    counted = await tx.fetch(statement(_COUNTS), workspace_id=workspace_id, tags=list(tags), now=now)
    everybody: int = await tx.fetch_value(statement(_PERSONS), workspace_id=workspace_id)
    return {record["tag"]: record["persons"] for record in counted}, everybody


async def walk(tx: Tx, workspace_id: int, tag: str, version: int) -> None:
    """Ask for a tag to be computed again for everybody, from the beginning."""
    await tx.execute(statement(_WALK), workspace_id=workspace_id, tag=tag, version=version)


async def claim_walk(tx: Tx) -> Walk | None:
    """Return a walk that nobody else has in hand."""
    record = await tx.fetch_one(statement(_CLAIM))
    return Walk(*record) if record is not None else None


async def advance_walk(tx: Tx, walk: Walk, after_no: int | None) -> None:
    """Move the walk behind a number; None ends it."""
    keys = {"workspace_id": walk.workspace_id, "tag": walk.tag}
    if after_no is None:
        await tx.execute(statement(_DONE), **keys)
    else:
        await tx.execute(statement(_ADVANCE), **keys, after_no=after_no)


async def open_walks(tx: Tx, workspace_id: int) -> int:
    """Return how many tags are not computed for everybody yet."""
    count: int = await tx.fetch_value(statement(_OPEN), workspace_id=workspace_id)
    return count


async def walk_due(tx: Tx) -> int:
    """Ask for a walk of each rule, in the transaction's workspaces, that was refreshed a day ago; return how many."""
    return await tx.execute(statement(_WALK_DUE))


async def next_refresh(tx: Tx, workspace_id: int) -> datetime | None:
    """Return when the next rule is refreshed."""
    instant: datetime | None = await tx.fetch_value(statement(_NEXT), workspace_id=workspace_id)
    return instant


def _row(record: Record) -> TagRow:
    tag = Tag(
        tag=record["tag"], group=record["tag_group"], owner=record["owner"], description=record["description"],
        kind=record["kind"], refresh=record["refresh"], ttl_seconds=record["ttl_seconds"], event=record["event"],
        filters=tuple(msgspec.json.decode(record["filters"], type=list[PropertyFilter])), rule=record["rule"],
        version=record["version"],
    )  # fmt: skip
    return TagRow(record["workspace_id"], tag, record["changed_at"], record["refreshed_at"])
