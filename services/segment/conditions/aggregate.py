"""sum, avg, min, max and distinct count of a property over filtered events in a window, compared with a number."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from services.segment.domain.binding import Binder
from services.segment.domain.columns import LARGEST_NUMBER, ValueColumns
from services.segment.domain.condition import Concerns, Condition, ConditionKind, Grammar, Inquiry, Question
from services.segment.domain.edges import TimeEdge
from services.segment.domain.formula import Formula
from services.segment.domain.money import MOST_RATES, RATE_PATTERN, Money, read_money
from services.segment.domain.occurrence import (
    Occurrence,
    ask_also_of_nobody,
    property_columns,
    read_filters,
    read_path,
)
from services.segment.domain.reader import Reader
from services.segment.domain.shape import FILTERS, PATH, TEXT, WINDOW, Example, Schema, Shape, either, listed, words
from services.segment.domain.total import Relation, Total
from services.segment.domain.values import BEYOND_EXACT, exact
from services.segment.domain.window import read_window

_SIGNS = {"equals": "=", "not_equals": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_DISTINCT = "distinct"
_OF_AMOUNTS = ("sum", "avg", "min", "max")


@dataclass(frozen=True)
class Aggregate(Condition):
    """The property's aggregate over the events stands in every relation (sign, number).

    Of no event the sum and the distinct count are 0; there is no average, least or greatest.
    """

    function: str
    what: Occurrence
    path: tuple[str, ...]
    relations: tuple[Relation, ...]
    money: Money | None = None

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store; return whom it holds for."""
        column, these = property_columns(self.path, inquiry), self.what.predicate(inquiry)
        if self.function == _DISTINCT:
            shown, holds = self._distinct(column, these, inquiry.bind)
            question = self.what.question(inquiry, holds, value=f"toString({shown})")
        else:
            question = self._of_numbers(column, f"{these} and {column.numeric}", inquiry)
        none_fits = self.function in ("sum", _DISTINCT) and all(
            _stands(Decimal(0), sign, to) for sign, to in self.relations
        )
        return ask_also_of_nobody(inquiry, question, when_none=none_fits)

    def _distinct(self, column: ValueColumns, these: str, bind: Binder) -> tuple[str, str]:
        counted = f"uniqExactIf({column.identity}, {these} and {column.plain})"
        parts = [f"toDecimal128({counted}, 10) {sign} {bind.decimal(to)}" for sign, to in self.relations]
        return counted, f"({' and '.join(parts)})"

    def _of_numbers(self, column: ValueColumns, these: str, inquiry: Inquiry) -> Question:
        bind, money = inquiry.bind, self.money
        exactly, roughly, guard = f"toDecimal256({column.decimal}, 10)", column.number, ""
        if money:
            guard = money.guard(these, inquiry)
            exactly, roughly = money.converted(exactly, roughly, inquiry)
        times = f" * countIf({these})" if self.function == "avg" else ""
        name = "sum" if self.function == "avg" else self.function
        aggregates = f"{name}If({exactly}, {these})", f"{name}If({roughly}, {these})"
        most = bind.float(float(BEYOND_EXACT))
        huge = f"countIf({these} and abs({column.number}) >= {most}) > 0"
        plain, full = [], []
        for sign, to in self.relations:
            decimal = f"toDecimal256({bind.text(format(to, 'f'))}, 10){times}"
            float_ = f"{bind.float(float(to))}{times}"
            plain.append(f"{aggregates[0]} {sign} {decimal}")
            full.append(f"if({huge}, {aggregates[1]} {sign} {float_}, {aggregates[0]} {sign} {decimal})")
        some = [] if self.function == "sum" else [f"countIf({these}) > 0"]
        one_kind = money is not None and not money.rates
        shown = f"{self.function}If({column.number}, {these})" if self.function == "avg" else aggregates[0]
        if self.function != "sum":
            # of no event there is no average, least or greatest
            shown = f"if(countIf({these}) = 0, '', toString({shown}))"
        return replace(
            self.what.question(inquiry, _all_of([guard, *full, *some]), value=f"toString({shown})"),
            simply=_all_of(["" if one_kind else guard, *plain, *some]),
            unless=(f"{LARGEST_NUMBER} >= {most}", *([money.named(inquiry)] if money and one_kind else [])),
            # a value that is missing or no number is 0 in the column
            total=Total(self.relations, column.decimal) if self.function == "sum" and one_kind else None,
        )

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return self.what.concerns()

    def edges(self) -> Iterator[TimeEdge]:
        """Yield whom the clock concerns."""
        yield from self.what.edges()

    def patterns(self) -> Iterator[tuple[str, str]]:
        """Yield the patterns to be proved."""
        yield from self.what.patterns()

    def amounts(self, inquiry: Inquiry) -> Question | None:
        """Return the amounts it adds up or compares, with the currency of each, where no rates are named."""
        if self.money is None or self.money.rates:
            return None
        amount = property_columns(self.path, inquiry).numeric
        asked = self.what.question(inquiry, self.money.named(inquiry), value=self.money.code(inquiry))
        return replace(asked, rows=f"{asked.rows} and {amount}")


def _all_of(parts: list[str]) -> str:
    return f"({' and '.join(part for part in parts if part)})"


def _stands(left: Decimal, sign: str, right: Decimal) -> bool:
    held = {"=": left == right, "<": left < right, ">": left > right}
    return any(held[part] for part in sign) if sign != "!=" else left != right


def _number(reader: Reader) -> Decimal:
    value = reader.scalar()
    number = None if isinstance(value, bool | str) else exact(value)
    if number is None:
        raise reader.refuse("a number below 10^28 with at most 10 decimals is expected")
    return number


def _parse(reader: Reader, grammar: Grammar) -> Condition:
    reader.only("aggregate", "event", "prop", "op", "value", "where", "window", "currency", "convert")
    function = reader.need("aggregate").one_of(*_OF_AMOUNTS, _DISTINCT)
    window = read_window(reader.get("window"))
    what = Occurrence(reader.need("event").text(), read_filters(reader.get("where"), grammar), window)
    path = read_path(reader.need("prop"))
    op, given = reader.need("op").one_of(*_SIGNS, "between"), reader.need("value")
    if op == "between":
        low, high = (_number(bound) for bound in given.items(at_least=2, at_most=2))
        relations: tuple[Relation, ...] = ((">=", low), ("<=", high))
    else:
        relations = ((_SIGNS[op], _number(given)),)
    return Aggregate(function, what, path, relations, _money(reader, function, path))


def _money(reader: Reader, function: str, path: tuple[str, ...]) -> Money | None:
    if function != _DISTINCT:
        return read_money(reader, path)
    for member in ("currency", "convert"):
        if found := reader.get(member):
            found.refuse("different values are counted as they are, whatever they are worth: leave it out")
    return None


def _shapes(value: Schema, ops: tuple[str, ...]) -> tuple[Shape, ...]:
    rate = either({"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": RATE_PATTERN})
    rates: Schema = {"type": "object", "minProperties": 1, "maxProperties": MOST_RATES, "additionalProperties": rate}
    needs, may = {"event": TEXT, "prop": PATH, "value": value}, {"where": FILTERS, "window": WINDOW}
    money = {"currency": PATH, "convert": rates}
    return (
        Shape({"aggregate": words(*_OF_AMOUNTS), **needs}, {**may, **money}, ops),
        Shape({"aggregate": words(_DISTINCT), **needs}, may, ops),
    )


condition = ConditionKind(
    ("aggregate",),
    _parse,
    (
        *_shapes({"type": "number"}, (*_SIGNS,)),
        *_shapes(listed({"type": "number"}, 2, 2), ("between",)),
    ),
    (
        Example(
            "spent at least 500 in the last year, whatever the currency",
            {
                "aggregate": "sum",
                "event": "bought",
                "prop": "amount",
                "op": "gte",
                "value": 500,
                "window": {"last": "1 year"},
                "convert": {"EUR": 1, "USD": "0.92"},
            },
        ),
        Example(
            "an average rating between 4 and 5",
            {"aggregate": "avg", "event": "rated", "prop": "stars", "op": "between", "value": [4, 5]},
        ),
        Example(
            "saw at least three different products (values are counted as they are, so no currency stands beside them)",
            {"aggregate": "distinct", "event": "seen", "prop": ["item", "sku"], "op": "gte", "value": 3},
        ),
    ),
)
