"""Events of the persons asked about, read once for several statements.

A thousand persons lie in a thousand places: finding their rows, and opening the maps of their properties there, costs
more than whatever is asked of them.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from libs.common.ids import new_id
from services.segment.domain.condition import Inquiry
from services.segment.store.columnar import Columnar
from services.segment.store.scans import Numbered, Scope, event_rows

MOST_ROWS = 200_000
"""More are not kept in memory: some person's events alone may be as many, and each statement reads them by itself."""
_ALWAYS = ("workspace_id", "name", "person_no", "event_time", "subject_no", "generation")
_COLUMN = re.compile(r"\b(?:property_\w+|received_at|event_id|origin|source_id|person_no_at_ingest)\b")


@asynccontextmanager
async def gathered(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, numbered: Sequence[Numbered]
) -> AsyncIterator[Scope]:
    """Let the events that some questions look at be read from a table of their own as long as the context lasts."""
    named = {column for _, asked in numbered for column in _COLUMN.findall(asked.holds)}
    columns = ", ".join([*_ALWAYS, *sorted(named)])
    table = f"gathered_{new_id().hex}"
    where = " and ".join(event_rows(inquiry, scope, [asked for _, asked in numbered]))
    await columnar.command(f"create temporary table {table} engine = Memory as select {columns} from event where false")
    try:
        sql = (
            f"insert into {table} select {columns} from event"
            f" prewhere person_no in {inquiry.bind.wholes(scope.stored_under)} where {where} limit {MOST_ROWS + 1}"
        )
        await columnar.fill(sql, inquiry.bind.parameters)
        (kept,) = await columnar.rows(f"select count() as rows from {table}", {})
        yield scope if kept["rows"] > MOST_ROWS else replace(scope, events=table)
    finally:
        await columnar.command(f"drop table {table}")
