"""How many: a range of whole numbers, 0 included."""

from dataclasses import dataclass
from decimal import Decimal

from services.segment.domain.binding import Binder
from services.segment.domain.reader import Reader
from services.segment.domain.total import Total


@dataclass(frozen=True)
class Count:
    """From `low` to `high`, both included; no high is no bound."""

    low: int = 1
    high: int | None = None

    def has(self, number: int) -> bool:
        """Tell whether so many are meant."""
        return self.low <= number and (self.high is None or number <= self.high)

    def sql(self, counted: str, bind: Binder) -> str:
        """Return the SQL predicate on an expression that counts."""
        if self.high is None:
            return f"{counted} >= {bind.whole(self.low)}"
        if self.low == 0:
            return f"{counted} <= {bind.whole(self.high)}"
        return f"{counted} between {bind.whole(self.low)} and {bind.whole(self.high)}"

    @property
    def total(self) -> Total:
        """Return the same of a number of events."""
        low, high = (">=", Decimal(self.low)), self.high
        return Total((low,) if high is None else (low, ("<=", Decimal(high))))


AT_LEAST_ONCE = Count()
NEVER = Count(0, 0)


def read_count(reader: Reader | None) -> Count:
    """Read `{"op": "gte", "n": 2}`; `between` takes `n` as [low, high]; absent is at least once."""
    if reader is None:
        return AT_LEAST_ONCE
    reader.only("op", "n")
    op = reader.need("op").one_of("equals", "gte", "gt", "lte", "lt", "between")
    given = reader.need("n")
    if op == "between":
        low, high = (bound.whole() for bound in given.items(at_least=2, at_most=2))
        if low > high:
            raise given.refuse("the first bound is greater than the second")
        return Count(low, high)
    n = given.whole(at_least=1 if op == "lt" else 0)
    ranges = {"equals": Count(n, n), "gte": Count(n), "gt": Count(n + 1), "lte": Count(0, n), "lt": Count(0, n - 1)}
    return ranges[op]
