"""The present fold of each trait of each person."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from libs.common.personal import Sealer
from services.profile.domain.keys import PersonKey, TraitKey
from services.profile.domain.trait import View
from services.profile.domain.values import canonical, parse_json
from services.profile.store.columns import columns
from services.profile.store.trait_facts import SealerOf


class TraitView(NamedTuple):
    """A trait's view with the counter it was said under and the watermark behind it."""

    view: View
    version: int
    received_at: datetime


class NewView(NamedTuple):
    """A view to keep; None deletes it (a person without facts any more)."""

    key: TraitKey
    view: View | None
    sealed: bytes | None
    version: int
    received_at: datetime


_LOAD = load_sql(__file__, "load_trait_views.sql")
_SAVE = load_sql(__file__, "save_trait_views.sql")
_DELETE = """
delete from trait_view v
using unnest(:workspace_ids::int[], :person_nos::int[], :traits::text[]) k (workspace_id, person_no, trait)
where v.workspace_id = k.workspace_id and v.person_no = k.person_no and v.trait = k.trait
"""
_OF_PERSONS = """
select person_no, trait, type, value::text as value, sealed, personal, since, latest, source_id, subject_no, event_id,
    once, conflicts, received_at, version
from trait_view
where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
  and (:traits::text[] is null or trait = any(:traits))
order by person_no, trait
"""
_NAMES = (
    "workspace_ids", "person_nos", "traits", "types", "clear", "sealed", "personal", "since", "latest", "source_ids",
    "subject_nos", "event_ids", "once", "conflicts", "received", "versions",
)  # fmt: skip


async def load_views(tx: Tx, traits: Iterable[TraitKey], sealer_of: SealerOf) -> dict[TraitKey, TraitView]:
    """Return the present views of these traits; their persons are locked."""
    keys = columns(("workspace_ids", "person_nos", "traits"), sorted(set(traits)))
    return {
        TraitKey(r["workspace_id"], r["person_no"], r["trait"]): _view(r, sealer_of(r["workspace_id"]))
        for r in await tx.fetch(_LOAD, **keys)
    }


async def save_views(tx: Tx, views: Collection[NewView]) -> None:
    """Keep the new views and delete the empty ones."""
    gone = sorted(new.key for new in views if new.view is None)
    if gone:
        await tx.execute(statement(_DELETE), **columns(("workspace_ids", "person_nos", "traits"), gone))
    rows = [
        (
            *new.key, view.type, _clear(view), new.sealed, view.personal, view.since, view.latest, view.source_id,
            view.subject_no, view.event_id, view.once, view.conflicts, new.received_at, new.version,
        )
        for new in sorted(views, key=lambda new: new.key)
        if (view := new.view) is not None
    ]  # fmt: skip
    if rows:
        await tx.execute(_SAVE, **columns(_NAMES, rows))


async def views_of_persons(
    tx: Tx, workspace_id: int, person_nos: Collection[int], sealer: Sealer, *, traits: Collection[str] | None = None
) -> dict[int, dict[str, TraitView]]:
    """Return persons' traits by name (all, or those named), unset ones included."""
    found: dict[int, dict[str, TraitView]] = {}
    for record in await tx.fetch(
        statement(_OF_PERSONS),
        workspace_id=workspace_id,
        person_nos=list(person_nos),
        traits=None if traits is None else list(traits),
    ):
        found.setdefault(record["person_no"], {})[record["trait"]] = _view(record, sealer)
    return found


async def traits_viewed(tx: Tx, persons: Iterable[PersonKey]) -> list[TraitKey]:
    """Return the traits these persons have a view of."""
    keys = columns(("workspace_ids", "person_nos"), sorted(set(persons)))
    sql = """
    select v.workspace_id, v.person_no, v.trait from trait_view v
    join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
    """
    return [TraitKey(*record) for record in await tx.fetch(statement(sql), **keys)]


def _clear(view: View) -> str | None:
    return None if view.personal or view.value is None else view.value.decode()


def _view(record: Record, sealer: Sealer) -> TraitView:
    value: bytes | None = None
    if record["sealed"] is not None:
        value = sealer.open(record["sealed"])
    elif record["value"] is not None:
        # jsonb orders keys and writes numbers in its own way
        value = canonical(parse_json(record["value"]))
    view = View(
        value=value,
        type=record["type"],
        personal=record["personal"],
        since=record["since"],
        source_id=record["source_id"],
        subject_no=record["subject_no"],
        event_id=record["event_id"],
        latest=record["latest"],
        once=record["once"],
        conflicts=record["conflicts"],
    )
    return TraitView(view, record["version"], record["received_at"])
