"""Time as a source of touched persons: who stands at the edge of a window, and when the next one will."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.segment.domain.binding import Binder, microseconds
from services.segment.domain.columns import TRAIT_COLUMNS, ValueColumns, map_columns
from services.segment.domain.edges import CalendarEdge, Edge, TimeEdge
from services.segment.domain.moment import Moment
from services.segment.domain.values import EPOCH, Facet, name_key
from services.segment.store.asking import PRESENT_PERSON
from services.segment.store.columnar import Columnar

TRAIT_TABLES = ("trait", "personal_trait")


async def moved_between(
    columnar: Columnar, edges: Iterable[TimeEdge], *, workspace_id: int, merged: bool, last: Moment, now: Moment
) -> list[int]:
    """Return the persons whose answer may differ between two instants though nothing was heard of them."""
    bind = Binder()
    workspace = bind.whole(workspace_id)
    events: list[str] = []
    traits: list[str] = []
    for edge in edges:
        if isinstance(edge, CalendarEdge):
            if edge.due(last) <= now.now:
                traits.append(f"name = {bind.text(edge.name)}")
        else:
            slice_ = _slice(edge, bind, last.zone, edge.reaches(last), edge.reaches(now))
            (events if edge.source == "event" else traits).append(slice_)
    person = PRESENT_PERSON.format(workspace=workspace) if merged else "person_no"
    selects = [f"select {person} as person from event where workspace_id = {workspace} and ({' or '.join(events)})"]
    selects = selects if events else []
    for table in TRAIT_TABLES if traits else ():
        selects.append(
            f"select person_no as person from {table} where workspace_id = {workspace} and ({' or '.join(traits)})"
        )
    if not selects:
        return []
    answer = await columnar.ask(f"select distinct person from ({' union all '.join(selects)})", bind.parameters)
    return [int(number) for number in answer.column("person").to_pylist()]


async def next_boundary(
    columnar: Columnar, edges: Iterable[TimeEdge], *, workspace_id: int, now: Moment
) -> datetime | None:
    """Return the earliest instant after now at which the clock alone may change somebody's answer."""
    bind = Binder()
    workspace = bind.whole(workspace_id)
    dues: list[datetime] = []
    asked: list[Edge] = []
    selects: list[str] = []
    for edge in edges:
        if isinstance(edge, CalendarEdge):
            dues.append(edge.due(now))
            continue
        asked.append(edge)
        for table in ("event",) if edge.source == "event" else TRAIT_TABLES:
            at, named = _at(edge, bind, now.zone), _named(edge, bind)
            sign = ">=" if edge.after else ">"
            final = "" if edge.source == "event" else " final"
            reached = edge.reaches(now)
            # on the column itself for events, so that the order by time prunes
            ahead = f"{at} {sign} {bind.whole(microseconds(reached))}"
            if edge.source == "event":
                ahead = f"event_time {sign} {bind.time(reached)}"
            selects.append(
                f"select {len(asked) - 1} as edge, min({at}) as at, count() as rows from {table}{final}"
                f" where workspace_id = {workspace} and {named} and {ahead}"
            )
    if selects:
        sql = f"select edge, min(at) as at from ({' union all '.join(selects)}) where rows > 0 group by edge"
        dues += [
            asked[row["edge"]].due(EPOCH + timedelta(microseconds=row["at"]), now.zone)
            for row in await columnar.rows(sql, bind.parameters)
        ]
    return min((due for due in dues if due > now.now), default=None)


def _named(edge: Edge, bind: Binder) -> str:
    named = f"startsWith(name, {bind.text(edge.name)})" if edge.prefix else f"name = {bind.text(edge.name)}"
    if edge.source == "event" or edge.column == "since":
        return named
    return f"{named} and {_columns(edge, bind).has(Facet.TIME)}"


def _columns(edge: Edge, bind: Binder) -> ValueColumns:
    return map_columns("leaf", bind.text(name_key(edge.path))) if edge.path else TRAIT_COLUMNS


def _at(edge: Edge, bind: Binder, zone: str) -> str:
    if edge.source == "event":
        return "toUnixTimestamp64Micro(event_time)"
    if edge.column == "since":
        return "toUnixTimestamp64Micro(since)"
    return _columns(edge, bind).instant(bind.text(zone))


def _slice(edge: Edge, bind: Binder, zone: str, low: datetime, high: datetime) -> str:
    named = _named(edge, bind)
    if edge.source == "event":
        return f"({named} and event_time >= {bind.time(low)} and event_time <= {bind.time(high)})"
    at = _at(edge, bind, zone)
    return f"({named} and {at} >= {bind.whole(microseconds(low))} and {at} <= {bind.whole(microseconds(high))})"
