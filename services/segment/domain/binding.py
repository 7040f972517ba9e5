"""Every value a user gave reaches SQL as a bound parameter; only texts of our own become SQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.segment.domain.values import EPOCH

Bindable = str | int | float | list[str] | list[int] | list[Any]
Floats = Sequence[float]


def microseconds(moment: datetime) -> int:
    """Return the instant as microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


class Binder:
    """Collects bound parameters; equal values share a place, so equal conditions become equal SQL."""

    def __init__(self) -> None:
        self.parameters: dict[str, Bindable] = {}
        self._places: dict[tuple[str, str], str] = {}

    def _bind(self, kind: str, value: Bindable) -> str:
        key = (kind, repr(value))
        name = self._places.setdefault(key, f"p{len(self._places)}")
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def text(self, value: str) -> str:
        """Bind a text."""
        return self._bind("String", value)

    def texts(self, values: Sequence[str]) -> str:
        """Bind a list of texts."""
        return self._bind("Array(String)", list(values))

    def whole(self, value: int) -> str:
        """Bind a whole number."""
        return self._bind("Int64", value)

    def wholes(self, values: Sequence[int]) -> str:
        """Bind a list of numbers of persons or days."""
        return self._bind("Array(Int32)", list(values))

    def lists(self, values: Sequence[Sequence[int]]) -> str:
        """Bind lists of small numbers."""
        return self._bind("Array(Array(UInt32))", [list(one) for one in values])

    def float(self, value: float) -> str:
        """Bind a float."""
        return self._bind("Float64", value)

    def floats(self, values: Floats) -> str:
        """Bind floats."""
        return self._bind("Array(Float64)", list(values))

    def decimal(self, value: Decimal) -> str:
        """Bind an exact number."""
        return f"toDecimal128({self.text(format(value, 'f'))}, 10)"

    def decimals(self, values: Sequence[Decimal]) -> str:
        """Bind exact numbers."""
        spelled = self.texts([format(value, "f") for value in values])
        return f"arrayMap(x -> toDecimal128(x, 10), {spelled})"

    def alike(self, places: Sequence[str]) -> str:
        """Bind as one list what lies at several places of one kind."""
        kinds = {place[1:-1].split(":", 1)[1] for place in places}
        if len(kinds) != 1:
            raise ValueError(f"places of several kinds: {sorted(kinds)}")
        values = [self.parameters[place[1:-1].split(":", 1)[0]] for place in places]
        return self._bind(f"Array({kinds.pop()})", values)

    def time(self, moment: datetime) -> str:
        """Bind an instant."""
        return f"fromUnixTimestamp64Micro({self.whole(microseconds(moment))}, 'UTC')"

    def times(self, moments: Sequence[datetime]) -> str:
        """Bind instants."""
        spelled = self._bind("Array(Int64)", [microseconds(moment) for moment in moments])
        return f"arrayMap(x -> fromUnixTimestamp64Micro(x, 'UTC'), {spelled})"
