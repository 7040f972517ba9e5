"""Loading a workspace's picture from PostgreSQL."""

from datetime import datetime
from uuid import UUID

import msgspec
from pyroaring import BitMap

from libs.common.db import Tx
from services.segment.conditions.catalogue import grammar
from services.segment.domain.definition import Definition, parse_definition
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.world import LiveSegment, World
from services.segment.store import (
    calendars,
    manual_lists,
    memberships,
    persons,
    segments,
    silences,
    snapshots,
    troubles,
)
from services.segment.store.rows import decode

_NOTHING_ASKED = parse_definition({"manual_only": True}, grammar())
# as it was put: a decimal that became a text would mean something else
_encoder = msgspec.json.Encoder(decimal_format="number")


def definition_of(text: str) -> Definition:
    """Return a stored definition parsed; it was valid when it was stored."""
    return parse_definition(decode(text), grammar())


def definition_text(body: object) -> str:
    """Return a definition as it is stored, numbers digit for digit."""
    return _encoder.encode(body).decode("utf-8")


def unreadable(refused: InvalidDefinition) -> str:
    """Return what is shown of a stored definition that this version of the language does not take any more."""
    faults = "; ".join(f"{fault.pointer} {fault.detail}".strip() for fault in refused.faults)
    return f"the definition cannot be read any more: {faults}"


async def load_world(tx: Tx, workspace_id: int, *, now: datetime) -> World:
    """Return everything the engine holds of a workspace; where a definition cannot be read, members stay."""
    evaluated_until, revision = await memberships.read_round(tx, workspace_id, now=now)
    members = await memberships.load(tx, workspace_id)
    lists = await manual_lists.load(tx, workspace_id)
    live = {}
    taken = await snapshots.taken(tx, workspace_id)
    unread: dict[UUID, str] = {}
    for row in await segments.live(tx, workspace_id):
        included, excluded = lists.get(row.segment_id, ([], []))
        try:
            definition = definition_of(row.definition)
        except InvalidDefinition as refused:
            definition, unread[row.segment_id] = _NOTHING_ASKED, unreadable(refused)
        live[row.segment_id] = LiveSegment(
            row.segment_id,
            row.version,
            definition,
            members.get(row.segment_id, BitMap()),
            BitMap(included),
            BitMap(excluded),
            row.is_troubled or row.segment_id in unread,
            row.is_frozen,
            taken.get(row.segment_id, BitMap()),
            row.is_paused,
        )
    await troubles.note(tx, workspace_id, unread, now=now)
    universe = BitMap(await persons.everybody(tx, workspace_id))
    return World(
        workspace_id,
        revision,
        evaluated_until,
        universe,
        live,
        await silences.load(tx, workspace_id),
        await calendars.load(tx, workspace_id),
    )
