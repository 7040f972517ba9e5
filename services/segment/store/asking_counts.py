"""How often events of one name came about, asked about some persons only: the engine counts, here it is compared.

To analyse an aggregate for each question costs more than to count the events of a thousand persons. So predicates that
differ in their values alone, as windows do, are one, mapped over the values and added up place by place; how many are
enough is not the engine's to know.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pyarrow import Table
from pyroaring import BitMap

from services.segment.domain.binding import Binder
from services.segment.domain.condition import Question
from services.segment.store.asking_named import (
    Asking,
    alike_or_single,
    by_name,
    lifted,
    opens_properties,
    rows_by_name,
    square,
)
from services.segment.store.columnar import Columnar
from services.segment.store.scans import Numbered
from services.segment.store.scope import EVENT, Scope
from services.segment.store.totals import meeting


def counted_by_name(asked: Question, bind: Binder) -> str | None:
    """Return the predicate on events of the question's name whose number alone decides; None where more does.

    Nor is one returned that looks at properties: their maps are dear, and opened once for all who look at any.
    """
    if asked.source != EVENT or len(asked.names) != 1 or asked.prefix is not None or asked.unless:
        return None
    if not asked.by_row and (asked.total is None or asked.total.of):
        return None
    rows, test = asked.holds if asked.by_row else asked.rows, f"name = {bind.text(asked.names[0])} and "
    return rows.removeprefix(test) if rows.startswith(test) and not opens_properties(rows) else None


async def ask_counts(
    columnar: Columnar, asking: Asking, counted: Mapping[Numbered, str], scope: Scope
) -> Iterator[tuple[int, BitMap]]:
    """Return, per question with the predicate on events of its name, which of the scope's persons it holds for."""
    if not counted:
        return iter(())
    bind, predicates = asking.inquiry.bind, list(dict.fromkeys(counted.values()))
    single, alike = alike_or_single(predicates)
    columns = [f"countIf({predicates[place]}) as c{place}" for place in single]
    for group, places in enumerate(alike):
        columns.append(f"sumForEach({lifted(bind, [predicates[place] for place in places])}) as l{group}")
    told = ", ".join([*(f"c{place}" for place in single), *(f"l{group}" for group, _ in enumerate(alike))])
    rows = rows_by_name(asking, scope, list(counted), predicates, columns)
    sql = f"select person, toString(name) as named, {told} from ({rows})"
    table = await columnar.ask(sql, bind.parameters, few_rows=True)
    return _read(table, counted, _counts(table, single, alike, predicates))


def _counts(
    table: Table, single: Sequence[int], alike: Sequence[Sequence[int]], predicates: Sequence[str]
) -> dict[str, NDArray[np.uint64]]:
    """Return, per predicate, how many events of each row's person and name meet it."""
    counts: dict[str, NDArray[np.uint64]] = {}
    if table.num_rows:
        counts = {predicates[place]: table.column(f"c{place}").to_numpy() for place in single}
        for group, places in enumerate(alike):
            told = square(table.column(f"l{group}"), len(places))
            counts |= {predicates[place]: told[:, position] for position, place in enumerate(places)}
    return counts


def _read(
    table: Table, counted: Mapping[Numbered, str], counts: Mapping[str, NDArray[np.uint64]]
) -> Iterator[tuple[int, BitMap]]:
    named = by_name(table)
    for (number, asked), predicate in counted.items():
        if asked.names[0] in named:
            persons, here = named[asked.names[0]]
            many = counts[predicate][here]
            yield number, BitMap(persons[many > 0 if asked.total is None else meeting(many, asked.total)])
