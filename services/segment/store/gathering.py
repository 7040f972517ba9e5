"""Events of the persons asked about, read once for several statements.

A thousand persons lie in a thousand places: finding their rows, and opening the maps of their properties there, costs
more than whatever is asked of them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from libs.common.ids import new_id
from services.segment.domain.condition import Inquiry
from services.segment.store.columnar import KEPT, Columnar
from services.segment.store.few_events import columns_read, few_events, looking_at
from services.segment.store.scans import Numbered, event_rows
from services.segment.store.scope import Scope

MOST_ROWS = 200_000
"""More are not kept in memory: some person's events alone may be as many, and each statement reads them by itself."""


@dataclass(frozen=True)
class Kept:
    """Where events are read, and what none of them is like: those of `unless` of the questions that none meets."""

    scope: Scope
    unmet: frozenset[str] = frozenset()


@asynccontextmanager
async def gathered(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]
) -> AsyncIterator[Kept]:
    """Let the events that some questions look at be read from a table of their own as long as the context lasts."""
    columns = looking_at(looked for _, asked in numbered for looked in (asked.holds, *asked.unless))
    where = event_rows(inquiry, scope, [asked for _, asked in numbered])
    rows = few_events(inquiry.bind, scope, scope.stored_under, where, columns)
    # not a temporary one, which is a handle's own: several are to read it at the same time
    table = f"{KEPT}.gathered_{new_id().hex}"
    laid = ", ".join(columns_read(scope, columns))
    try:
        await columnar.command(f"create table {table} engine = Memory empty as select {laid} from event")
        await columnar.fill(f"insert into {table} {rows} limit {MOST_ROWS + 1}", inquiry.bind.parameters)
        # an index tells it of all events of a name; of those of some persons they do themselves
        unless = sorted({one for _, asked in numbered if asked.simply for one in asked.unless})
        told = ", ".join(["count() as rows", *(f"countIf({one}) as u{place}" for place, one in enumerate(unless))])
        (kept,) = await columnar.rows(f"select {told} from {table}", inquiry.bind.parameters)
        if kept["rows"] > MOST_ROWS:
            yield Kept(scope)
        else:
            unmet = frozenset(one for place, one in enumerate(unless) if not kept[f"u{place}"])
            yield Kept(replace(scope, events=table), unmet)
    finally:
        await columnar.command(f"drop table if exists {table}")
