"""Amounts have a currency: different ones are never added, unless the definition says how to convert them."""

from dataclasses import dataclass
from decimal import Decimal

from services.segment.domain.columns import ValueColumns
from services.segment.domain.condition import Inquiry
from services.segment.domain.occurrence import property_columns, read_path
from services.segment.domain.reader import Reader
from services.segment.domain.values import Facet, exact, name_key

MOST_RATES = 200
RATE_PATTERN = r"^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class Money:
    """Where an event says its currency, and what one unit of each currency is worth; without rates one only."""

    currency: tuple[str, ...]
    rates: tuple[tuple[str, Decimal], ...] = ()

    def code(self, inquiry: Inquiry) -> str:
        """Return the currency an event names, folded; "" where it names none."""
        column: ValueColumns = property_columns(self.currency, inquiry)
        return f"if({column.has(Facet.TEXT)}, {column.folded}, '')"

    def guard(self, these: str, inquiry: Inquiry) -> str:
        """Return "no amount is of another currency than it may be"; an amount without one is its own kind."""
        code = self.code(inquiry)
        if not self.rates:
            return f"minIf({code}, {these}) = maxIf({code}, {these})"
        known = inquiry.bind.texts([code for code, _ in self.rates])
        return f"countIf({these} and not has({known}, {code})) = 0"

    def named(self, inquiry: Inquiry) -> str:
        """Return the predicate "this event names a currency", as the index over keys answers it."""
        return f"mapContains(property_facets, {inquiry.bind.text(name_key(self.currency))})"

    def converted(self, exactly: str, roughly: str, inquiry: Inquiry) -> tuple[str, str]:
        """Return an amount in the one currency, exact and as a float."""
        if not self.rates:
            return exactly, roughly
        bind = inquiry.bind
        known, rates = bind.texts([code for code, _ in self.rates]), bind.decimals([rate for _, rate in self.rates])
        rate = f"arrayElement({rates}, indexOf({known}, {self.code(inquiry)}))"
        return f"{exactly} * {rate}", f"{roughly} * toFloat64({rate})"


def read_money(reader: Reader, amount: tuple[str, ...]) -> Money:
    """Read `currency` (the property beside the amount that names it) and `convert` ({code: rate})."""
    named, given = reader.get("currency"), reader.get("convert")
    currency = read_path(named) if named else (*amount[:-1], "currency")
    if given is None:
        return Money(currency)
    if not 1 <= len(given.members()) <= MOST_RATES:
        raise given.refuse(f"1 to {MOST_RATES} rates are expected")
    return Money(currency, tuple((code.casefold(), _rate(given.at(code))) for code in given.members()))


def _rate(reader: Reader) -> Decimal:
    value = reader.scalar()
    try:
        rate = None if isinstance(value, bool) else exact(Decimal(value))
    except ArithmeticError:
        rate = None
    if rate is None or not 0 < rate < Decimal(10) ** 9:
        raise reader.refuse("a rate above 0 and below 10^9 with at most 10 decimals is expected")
    return rate
