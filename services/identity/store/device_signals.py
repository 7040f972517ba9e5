"""Who was seen on devices whose holds are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, load_sql, statement
from services.identity.store.nodes import Key, columns, key

_APPEND = load_sql(__file__, "append_device_signals.sql")
_READ = statement(
    "select s.workspace_id, s.node_no, s.at, s.event_id, s.part, s.kind, s.who_no, s.tier"
    " from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)"
    " join device_signal s on s.workspace_id = wanted.workspace_id and s.node_no = wanted.node_no"
)
_DELETE = statement(
    "delete from device_signal s using unnest(:workspace_ids::int[], :node_nos::int[]) as gone (workspace_id, node_no)"
    " where s.workspace_id = gone.workspace_id and s.node_no = gone.node_no"
)
_OLDER = load_sql(__file__, "devices_seen_before.sql")


@dataclass(slots=True)
class SignalRow:
    """One fact about a device; `who_no` is the identifier it names, 0 for none."""

    workspace_id: int
    node_no: int
    at: datetime
    event_id: UUID
    part: int
    kind: str
    who_no: int
    tier: int

    @property
    def key(self) -> Key:
        """The device's key over all workspaces."""
        return key(self.workspace_id, self.node_no)


async def append(tx: Tx, rows: Sequence[SignalRow]) -> None:
    """Add facts about devices to the set."""
    if rows:
        await tx.execute(
            _APPEND,
            workspace_ids=[row.workspace_id for row in rows],
            node_nos=[row.node_no for row in rows],
            ats=[row.at for row in rows],
            event_ids=[row.event_id for row in rows],
            parts=[row.part for row in rows],
            kinds=[row.kind for row in rows],
            who_nos=[row.who_no for row in rows],
            tiers=[row.tier for row in rows],
        )


async def read(tx: Tx, keys: Collection[Key]) -> dict[Key, list[SignalRow]]:
    """Return all that is known of who was seen on devices."""
    workspace_ids, node_nos = columns(keys)
    found: dict[Key, list[SignalRow]] = {one: [] for one in keys}
    for record in await tx.fetch(_READ, workspace_ids=workspace_ids, node_nos=node_nos):
        row = SignalRow(**dict(record))
        found[row.key].append(row)
    return found


async def delete(tx: Tx, keys: Collection[Key]) -> None:
    """Forget who was seen on devices."""
    if keys:
        workspace_ids, node_nos = columns(keys)
        await tx.execute(_DELETE, workspace_ids=workspace_ids, node_nos=node_nos)


async def used_before(tx: Tx, devices: dict[Key, datetime]) -> set[Key]:
    """Return those devices that were used by nobody in particular before a time, or were logged out of at any."""
    workspace_ids, node_nos = columns(devices)
    rows = await tx.fetch(_OLDER, workspace_ids=workspace_ids, node_nos=node_nos, befores=list(devices.values()))
    return {key(row["workspace_id"], row["node_no"]) for row in rows}
