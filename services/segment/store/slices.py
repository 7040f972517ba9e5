"""Time as a source of touched persons: who stands at the edge of a window, and when the next one will."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from pyroaring import BitMap

from services.segment.domain.binding import Binder, microseconds
from services.segment.domain.columns import TRAIT_COLUMNS, ZONE_TRAIT, ValueColumns, map_columns
from services.segment.domain.edges import Edge, Passed, PersonCalendarEdge, TimeEdge
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.values import EPOCH, Facet, name_key
from services.segment.store.columnar import Columnar
from services.segment.store.scans import present_person

TRAIT_TABLES = ("trait", "personal_trait")
HORIZONS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=30), None)
"""How far ahead the next boundary is looked for, one after the other: mostly there is one near by."""
_CALENDAR = -1


async def moved_between(
    columnar: Columnar, edges: Iterable[TimeEdge], *, workspace_id: int, merged: Moved | None, last: Moment, now: Moment
) -> dict[Passed, BitMap]:
    """Return the persons whose answer may differ between two instants though nothing was heard of them.

    They come by the rows of theirs the clock came upon.
    """
    bind = Binder()
    workspace = bind.whole(workspace_id)
    person = present_person(bind, workspace_id, merged)
    selects = []
    known = list(edges)
    shared = _shared(known)
    slices: dict[str, list[_Slice]] = defaultdict(list)
    for number, (edge, alike) in enumerate(shared.items()):
        low, high, named = edge.reaches(last), edge.reaches(now), _named(alike, bind)
        if low == high and edge.stands:
            continue  # no page was turned: what happened right where it stands is not asked about again and again
        if edge.source == "event":
            slices[named].append(_Slice(number, low, high))
            continue
        at = _at(edge, bind, last.zone)
        where = f"workspace_id = {workspace} and {named}"
        where += f" and {at} >= {bind.whole(microseconds(low))} and {at} <= {bind.whole(microseconds(high))}"
        selects += _of_traits(number, where)
    selects += [
        f"select {_edges_at('event_time', of_names, bind)} as edge, toString(name) as named, {person} as person"
        f" from event where workspace_id = {workspace} and {named} and {_in_any('event_time', of_names, bind)}"
        for named, of_names in slices.items()
    ]
    selects += _calendars(known, bind, workspace, last, now)
    if not selects:
        return {}
    sql = (
        "select toInt32(edge) as edge, named, groupUniqArray(toUInt32(person)) as persons"
        f" from ({' union all '.join(selects)}) where person > 0 group by edge, named"
    )
    table = await columnar.ask(sql, bind.parameters)
    unnamed = list(shared)
    told = zip(*(table.column(name).to_pylist() for name in ("edge", "named")), table.column("persons"), strict=True)
    return {
        Passed(unnamed[edge], unnamed[edge].source, name) if edge != _CALENDAR else Passed(None, "trait", name): BitMap(
            persons.values.to_numpy().astype(np.uint32, copy=False)
        )
        for edge, name, persons in told
    }


class _Slice(NamedTuple):
    """The times the clock came upon by the edge of a number; both ends are within."""

    edge: int
    low: datetime
    high: datetime


def _in_any(at: str, slices: Sequence[_Slice], bind: Binder) -> str:
    # spelled out: the engine looks up ranges of its order for such, and reads all names for a function of lists
    parts = (f"({at} >= {bind.time(one.low)} and {at} <= {bind.time(one.high)})" for one in slices)
    return f"({' or '.join(parts)})"


def _edges_at(at: str, slices: Sequence[_Slice], bind: Binder) -> str:
    """Return an expression that gives a row for each edge within whose slice a row lies."""
    lists = [bind.times([one.low for one in slices]), bind.times([one.high for one in slices])]
    numbers = bind.wholes([one.edge for one in slices])
    return f"arrayJoin(arrayFilter((edge, low, high) -> {at} >= low and {at} <= high, {', '.join([numbers, *lists])}))"


def _of_traits(edge: int, where: str, filed_under: str = "toString(name)") -> list[str]:
    return [
        f"select {edge} as edge, {filed_under} as named, person_no as person from {table} where {where}"
        for table in TRAIT_TABLES
    ]


async def next_boundary(
    columnar: Columnar, edges: Iterable[TimeEdge], *, workspace_id: int, now: Moment
) -> datetime | None:
    """Return the earliest instant after now at which the clock alone may change somebody's answer."""
    known = list(edges)
    dues = [edge.due(now) for edge in known if not isinstance(edge, Edge)]
    shared = _shared(known)
    of_traits = {edge: alike for edge, alike in shared.items() if edge.source == "trait"}
    dues += await _dues(columnar, of_traits, workspace_id=workspace_id, now=now, horizon=None)
    earliest = min((due for due in dues if due > now.now), default=None)
    of_events = {edge: alike for edge, alike in shared.items() if edge.source == "event"}
    for horizon in HORIZONS if of_events else ():
        found = await _dues(columnar, of_events, workspace_id=workspace_id, now=now, horizon=horizon)
        earliest = min((due for due in (*found, earliest) if due is not None and due > now.now), default=None)
        if horizon is None or (earliest is not None and earliest <= now.now + horizon):
            break
    return earliest


async def _dues(
    columnar: Columnar,
    shared: Mapping[Edge, Sequence[Edge]],
    *,
    workspace_id: int,
    now: Moment,
    horizon: timedelta | None,
) -> list[datetime]:
    """Return, of each edge, the instant its next row is due, if that lies within the horizon."""
    bind = Binder()
    workspace = bind.whole(workspace_id)
    asked = list(shared)
    selects = []
    for number, edge in enumerate(asked):
        for table in ("event",) if edge.source == "event" else TRAIT_TABLES:
            at, named = _at(edge, bind, now.zone), _named(shared[edge], bind)
            selects.append(
                f"select {number} as edge, min({at}) as at, count() as rows from {table}"
                f"{'' if edge.source == 'event' else ' final'}"
                f" where workspace_id = {workspace} and {named} and {_ahead(edge, at, bind, now, horizon)}"
            )
    if not selects:
        return []
    sql = f"select edge, min(at) as at from ({' union all '.join(selects)}) where rows > 0 group by edge"
    return [
        asked[row["edge"]].due(EPOCH + timedelta(microseconds=row["at"]), now)
        for row in await columnar.rows(sql, bind.parameters)
    ]


def _calendars(edges: Iterable[TimeEdge], bind: Binder, workspace: str, last: Moment, now: Moment) -> Iterator[str]:
    """Yield the selects of those for whom a calendar period began, each filed under a trait its edge looks at."""
    known = [edge for edge in edges if not isinstance(edge, Edge)]
    due = sorted({edge.name for edge in known if edge.workspace_begins(last) <= now.now})
    if due:
        # who names no zone, or none there is, lives by the workspace's calendar
        yield from _of_traits(_CALENDAR, f"workspace_id = {workspace} and name in {bind.texts(due)}")
    for edge in known:
        zones = edge.zones_between(last, now.now) if isinstance(edge, PersonCalendarEdge) else []
        if zones:
            where = f"workspace_id = {workspace} and name = {bind.text(ZONE_TRAIT)} and has({bind.texts(zones)}, text)"
            yield from _of_traits(_CALENDAR, where, filed_under=bind.text(edge.name))


def _ahead(edge: Edge, at: str, bind: Binder, now: Moment, horizon: timedelta | None) -> str:
    """Return the predicate "the clock has not come upon it yet, and does within the horizon"."""
    reached, sign = edge.reaches(now), ">=" if edge.after else ">"
    if edge.source == "trait":
        return f"{at} {sign} {bind.whole(microseconds(reached))}"
    # on the column itself for events, so that the order by time prunes
    ahead = f"event_time {sign} {bind.time(reached)}"
    if horizon is None:
        return ahead
    furthest = edge.reaches(replace(now, now=now.now + horizon))
    return f"{ahead} and event_time <= {bind.time(furthest)}"


def _shared(edges: Iterable[TimeEdge]) -> dict[Edge, list[Edge]]:
    """Return the edges by what they share but for the name."""
    shared: dict[Edge, list[Edge]] = defaultdict(list)
    for edge in edges:
        if isinstance(edge, Edge):
            shared[edge.unnamed].append(edge)
    return shared


def _named(edges: Sequence[Edge], bind: Binder) -> str:
    """Return the predicate "of one of the names, with a time where one is looked for"; they share all but the name."""
    parts = [f"startsWith(name, {bind.text(edge.name)})" for edge in edges if edge.prefix]
    names = sorted({edge.name for edge in edges if not edge.prefix})
    if len(names) == 1:
        parts.append(f"name = {bind.text(names[0])}")
    elif names:
        parts.append(f"name in {bind.texts(names)}")
    named = f"({' or '.join(parts)})"
    if edges[0].source == "event" or edges[0].column == "since":
        return named
    return f"{named} and {_columns(edges[0], bind).has(Facet.TIME)}"


def _columns(edge: Edge, bind: Binder) -> ValueColumns:
    return map_columns("leaf", bind.text(name_key(edge.path))) if edge.path else TRAIT_COLUMNS


def _at(edge: Edge, bind: Binder, zone: str) -> str:
    if edge.source == "event":
        return "toUnixTimestamp64Micro(event_time)"
    if edge.column == "since":
        return "toUnixTimestamp64Micro(since)"
    return _columns(edge, bind).instant(bind.text(zone))
