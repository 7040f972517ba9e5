"""The rule of each trait, and the walk over the persons after one changed."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from libs.common.db import Tx, statement
from services.profile.domain.trait import TraitRule

_LOAD = (
    "select workspace_id, trait, kind, type, sources from trait_rule where workspace_id = any(:workspace_ids::int[])"
)
_LIST = """
select trait, kind, type, sources, version, changed_at from trait_rule
where workspace_id = :workspace_id order by trait
"""
_FROM = """
select trait, type, version, changed_at from trait_rule
where workspace_id = :workspace_id and trait > :after::text order by trait limit :row_limit
"""
_SAVE = """
insert into trait_rule as r (workspace_id, trait, kind, type, sources, changed_at)
values (:workspace_id, :trait, :kind, :type, :sources, :changed_at)
on conflict (workspace_id, trait) do update set
    kind = excluded.kind, type = excluded.type, sources = excluded.sources, version = r.version + 1,
    changed_at = excluded.changed_at
where (r.kind, r.type, r.sources) is distinct from (excluded.kind, excluded.type, excluded.sources)
returning version
"""
_QUEUE = """
insert into refold_queue (workspace_id, trait) values (:workspace_id, :trait)
on conflict (workspace_id, trait) do update set after_person_no = 0
"""
_CLAIM = """
select workspace_id, trait, after_person_no from refold_queue order by workspace_id, trait
limit 1 for update skip locked
"""
_ADVANCE = """
update refold_queue set after_person_no = :after_person_no where workspace_id = :workspace_id and trait = :trait
"""
_DONE = "delete from refold_queue where workspace_id = :workspace_id and trait = :trait"
_OPEN = "select count(*) from refold_queue where workspace_id = :workspace_id"
_CATALOGUE = """
select trait, array_agg(distinct type order by type) as types, bool_or(personal) as personal from trait_catalogue
where workspace_id = :workspace_id group by trait order by trait
"""


class RuleRow(NamedTuple):
    """A trait's rule as it was set."""

    trait: str
    rule: TraitRule
    version: int
    changed_at: datetime


class CatalogueRow(NamedTuple):
    """A trait, the types it came in (more than one is a conflict), and whether it holds personal data."""

    trait: str
    types: list[str]
    personal: bool


class Walk(NamedTuple):
    """A trait whose persons are folded again, up to the last one done."""

    workspace_id: int
    trait: str
    after_person_no: int


async def load_rules(tx: Tx, workspace_ids: Collection[int]) -> dict[tuple[int, str], TraitRule]:
    """Return the rules set in these workspaces by (workspace, trait); an absent one is the default."""
    records = await tx.fetch(statement(_LOAD), workspace_ids=sorted(set(workspace_ids)))
    return {
        (r["workspace_id"], r["trait"]): TraitRule(kind=r["kind"], type=r["type"], sources=tuple(r["sources"]))
        for r in records
    }


async def list_rules(tx: Tx, workspace_id: int) -> list[RuleRow]:
    """Return the workspace's rules by trait."""
    return [
        RuleRow(
            r["trait"],
            TraitRule(kind=r["kind"], type=r["type"], sources=tuple(r["sources"])),
            r["version"],
            r["changed_at"],
        )
        for r in await tx.fetch(statement(_LIST), workspace_id=workspace_id)
    ]


async def save_rule(tx: Tx, workspace_id: int, trait: str, rule: TraitRule, changed_at: datetime) -> int | None:
    """Keep a rule; when it differs from the present one, its persons are queued for a new fold.

    Return its version then, else None.
    """
    version: int | None = await tx.fetch_value(
        statement(_SAVE),
        workspace_id=workspace_id, trait=trait, kind=rule.kind, type=rule.type, sources=list(rule.sources),
        changed_at=changed_at,
    )  # fmt: skip
    if version is not None:
        await tx.execute(statement(_QUEUE), workspace_id=workspace_id, trait=trait)
    return version


async def rules_from(tx: Tx, workspace_id: int, *, after: str, limit: int) -> list[Record]:
    """Return rules by trait."""
    return await tx.fetch(statement(_FROM), workspace_id=workspace_id, after=after, row_limit=limit)


async def list_catalogue(tx: Tx, workspace_id: int) -> list[CatalogueRow]:
    """Return every trait ever seen."""
    records = await tx.fetch(statement(_CATALOGUE), workspace_id=workspace_id)
    return [CatalogueRow(r["trait"], r["types"], r["personal"]) for r in records]


async def claim_walk(tx: Tx) -> Walk | None:
    """Claim one walk until the commit."""
    record = await tx.fetch_one(statement(_CLAIM))
    return Walk(*record) if record is not None else None


async def advance_walk(tx: Tx, walk: Walk, after_person_no: int | None) -> None:
    """Note the last person done; None ends the walk."""
    position = {"workspace_id": walk.workspace_id, "trait": walk.trait}
    if after_person_no is None:
        await tx.execute(statement(_DONE), **position)
    else:
        await tx.execute(statement(_ADVANCE), **position, after_person_no=after_person_no)


async def open_walks(tx: Tx, workspace_id: int) -> int:
    """Return how many traits of a workspace are still being folded again."""
    count: int = await tx.fetch_value(statement(_OPEN), workspace_id=workspace_id)
    return count
