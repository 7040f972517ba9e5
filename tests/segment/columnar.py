"""A columnar store of the test's own, filled without PostgreSQL."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from libs.common.ids import new_id
from services.segment.conditions.catalogue import grammar
from services.segment.domain.definition import Definition, parse_definition
from services.segment.store.columnar import Columnar
from services.segment.store.rows import event_row, trait_row
from tests.segment.oracle import Person

MASTER_KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def a_columnar_store(directory: Path) -> AsyncIterator[Columnar]:
    """Give an empty store; closed with the block."""
    store = await Columnar.open(f"chdb://{directory / 'columnar'}", master_key=MASTER_KEY)
    try:
        yield store
    finally:
        await store.close()


async def put(store: Columnar, workspace_id: int, persons: Mapping[int, Person]) -> None:
    """Insert persons with their traits and events."""
    events, traits = [], []
    for person_no, person in persons.items():
        for name, time, properties in person.events:
            events.append(
                event_row(
                    workspace_id=workspace_id, name=name, person_no=person_no, subject_no=person_no, event_time=time,
                    received_at=time, event_id=new_id(), origin="collected", source_id=1, properties=properties,
                )
            )  # fmt: skip
        for name, value in person.traits.items():
            traits.append(
                trait_row(
                    workspace_id=workspace_id, name=name, person_no=person_no, version=1,
                    since=person.since.get(name, SINCE), value=value,
                )
            )  # fmt: skip
    for table, lines in (("event", events), ("trait", traits)):
        if lines:
            await store.insert(table, b"\n".join(lines), token=f"{new_id()}")


def parsed(body: Any) -> Definition:
    """Return a definition parsed."""
    return parse_definition(body, grammar())
