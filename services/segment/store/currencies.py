"""How many amounts there are in which currency."""

from collections.abc import Sequence

from services.segment.domain.condition import Inquiry, Question
from services.segment.store.columnar import Columnar
from services.segment.store.scans import event_rows, not_counted
from services.segment.store.scope import Scope

MOST_SHOWN = 20


async def count_currencies(
    columnar: Columnar, inquiry: Inquiry, scope: Scope, asked: Sequence[Question]
) -> list[dict[str, int]]:
    """Return, per question about amounts, how many are in each of the commonest currencies ("" is none), most first.

    Where no event of the names names a currency, which an index tells, nothing is counted.
    """
    found: list[dict[str, int]] = [{} for _ in asked]
    counts = [_counts(inquiry, scope, place, question) for place, question in enumerate(asked)]
    if counts:
        for row in await columnar.rows("\nunion all\n".join(counts), inquiry.bind.parameters):
            found[row["place"]] |= {row["code"]: int(row["events"])}
    return [dict(sorted(one.items(), key=lambda known: (-known[1], known[0]))) for one in found]


def _counts(inquiry: Inquiry, scope: Scope, place: int, question: Question) -> str:
    where = event_rows(inquiry, scope, [question])
    if uncounted := not_counted(inquiry.bind, scope.workspace_id, scope.merged):
        where.append(f"not {uncounted}")
    named = f"workspace_id = {inquiry.bind.whole(scope.workspace_id)} and name in {inquiry.bind.texts(question.names)}"
    some = f"(select count() from event where {named} and {question.holds}) > 0"
    return (
        f"select {inquiry.bind.whole(place)} as place, code, count() as events from ("
        f"select {question.value} as code from event where {some} and {' and '.join(where)})"
        f" group by code order by events desc, code limit {MOST_SHOWN}"
    )
