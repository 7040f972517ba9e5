"""On which channels persons were last said to have a usable address."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey
from services.profile.store.columns import columns


class Reached(NamedTuple):
    """A person has a usable address for a channel, and the counter it was said under."""

    person: PersonKey
    channel: str
    version: int
    received_at: datetime


_LOAD = """
select c.workspace_id, c.person_no, c.channel from contact_state c
join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
"""
_SAVE = """
insert into contact_state (workspace_id, person_no, channel, version, received_at)
select * from unnest(:workspace_ids::int[], :person_nos::int[], :channels::text[], :versions::bigint[],
    :received::timestamptz[])
"""
_DROP = """
delete from contact_state c
using unnest(:workspace_ids::int[], :person_nos::int[], :channels::text[]) k (workspace_id, person_no, channel)
where (c.workspace_id, c.person_no, c.channel) = (k.workspace_id, k.person_no, k.channel)
"""
_FROM = """
select person_no, channel, version, received_at from contact_state
where workspace_id = :workspace_id and (person_no, channel) > (:after_no::int, :after_channel::text)
order by person_no, channel limit :row_limit
"""


async def load(tx: Tx, persons: Iterable[PersonKey]) -> dict[PersonKey, set[str]]:
    """Return the channels of these locked persons."""
    keys = columns(("workspace_ids", "person_nos"), sorted(set(persons)))
    found: dict[PersonKey, set[str]] = {}
    for r in await tx.fetch(statement(_LOAD), **keys):
        found.setdefault(PersonKey(r["workspace_id"], r["person_no"]), set()).add(r["channel"])
    return found


async def save(tx: Tx, reached: Iterable[Reached]) -> None:
    """Keep channels that are usable now and were not."""
    rows = sorted((*one.person, one.channel, one.version, one.received_at) for one in reached)
    names = ("workspace_ids", "person_nos", "channels", "versions", "received")
    if rows:
        await tx.execute(statement(_SAVE), **columns(names, rows))


async def drop(tx: Tx, lost: Iterable[tuple[PersonKey, str]]) -> None:
    """Forget channels that are usable no more."""
    rows = sorted((*person, channel) for person, channel in lost)
    if rows:
        await tx.execute(statement(_DROP), **columns(("workspace_ids", "person_nos", "channels"), rows))


async def states_from(tx: Tx, workspace_id: int, *, after: tuple[int, str], limit: int) -> list[Record]:
    """Return usable channels by (person, channel)."""
    return await tx.fetch(
        statement(_FROM), workspace_id=workspace_id, after_no=after[0], after_channel=after[1], row_limit=limit
    )
