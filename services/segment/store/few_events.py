"""The events of some persons: what a row holds beside its order is opened where it is looked at."""

import re
from collections.abc import Iterable, Sequence

from services.segment.domain.binding import Binder
from services.segment.store.columnar_schema import OPENED, PACKED
from services.segment.store.scope import EVENT, Scope

_COLUMN = re.compile(r"\b(?:property_\w+|received_at|event_id|subject_no|origin|source_id|person_no_at_ingest)\b")


def looking_at(holds: Iterable[str]) -> list[str]:
    """Return the columns of an event that expressions look at, but for its name, person and time."""
    return sorted({column for one in holds for column in _COLUMN.findall(one)})


def always_read(scope: Scope) -> tuple[str, ...]:
    """Return the columns of an event that every statement about some persons reads; whose it is now needs two more."""
    return ("workspace_id", "person_no", "name", "event_time", *(("subject_no", "generation") if scope.merged else ()))


def columns_read(scope: Scope, columns: Sequence[str]) -> list[str]:
    """Return what `few_events` gives: what is always read, then `columns`, each once."""
    return list(dict.fromkeys([*always_read(scope), *columns]))


def few_events(
    bind: Binder, scope: Scope, stored_under: Sequence[int], where: Sequence[str], columns: Sequence[str] = ()
) -> str:
    """Return the select of the events under some of the scope's numbers that meet conditions on names and times.

    It gives `columns_read`, in that order. Persons come first: a row of the others is not
    looked at twice.
    """
    told = columns_read(scope, columns)
    if scope.events != EVENT:
        return f"select {', '.join(told)} from {scope.events} where {' and '.join(where)}"
    read = [column for column in told if column not in PACKED]
    if len(read) < len(told):
        read.append(f"{OPENED} as opened")
    rows = (
        f"select {', '.join(read)} from {EVENT}"
        f" prewhere person_no in {bind.wholes(stored_under)} where {' and '.join(where)}"
    )
    opened = [f"opened.{column} as {column}" if column in PACKED else column for column in told]
    return f"select {', '.join(opened)} from ({rows})"
