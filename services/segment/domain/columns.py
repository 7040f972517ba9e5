"""Where the columns of one stored value are found, and what can be asked of them."""

from dataclasses import dataclass

from services.segment.domain.values import Facet


@dataclass(frozen=True, slots=True)
class ValueColumns:
    """SQL expressions of one stored value; every one is defined (never NULL) when the value is missing."""

    facets: str
    text: str
    folded: str
    decimal: str
    number: str
    time: str
    items: str
    since: str = ""

    def has(self, facet: Facet) -> str:
        """Return the predicate "all these facets"."""
        return f"bitAnd({self.facets}, {int(facet)}) = {int(facet)}"

    @property
    def present(self) -> str:
        """Return the predicate "there is a value"."""
        return f"{self.facets} != 0"

    @property
    def plain(self) -> str:
        """Return the predicate "a text, number or boolean"."""
        return f"bitAnd({self.facets}, {int(Facet.TEXT | Facet.NUMBER | Facet.BOOLEAN)}) != 0"

    @property
    def identity(self) -> str:
        """Return a text that is the same for equal plain values; a text and a number meet as numbers."""
        exactly = f"concat('n', toString({self.decimal}))"
        number = f"if({self.has(Facet.EXACT)}, {exactly}, concat('f', toString({self.number})))"
        text = f"concat(if({self.has(Facet.BOOLEAN)}, 'b', 't'), {self.text})"
        return f"if({self.has(Facet.NUMERIC)}, {number}, {text})"

    def instant(self, zone: str) -> str:
        """Return the instant meant: a wall time is read in `zone` (a bound parameter)."""
        local = f"toDateTime64(toString({self.time}), 6, {zone})"
        return f"if({self.has(Facet.LOCAL)}, toUnixTimestamp64Micro({local}), toUnixTimestamp64Micro({self.time}))"

    def local(self, zone: str, part: str) -> str:
        """Return a calendar part (a function such as toMonth) of the wall time in `zone`."""
        return f"if({self.has(Facet.LOCAL)}, {part}({self.time}), {part}(toTimeZone({self.time}, {zone})))"


TRAIT_COLUMNS = ValueColumns("facets", "text", "folded", "decimal", "number", "time", "items", "since")


def map_columns(prefix: str, key: str, since: str = "") -> ValueColumns:
    """Return the columns of one entry (`key` is a bound parameter) of the map columns `<prefix>_...`.

    The folded text is stored only where it differs.
    """
    text = f"{prefix}_text[{key}]"
    folded = f"if(mapContains({prefix}_folded, {key}), {prefix}_folded[{key}], {text})"
    return ValueColumns(
        facets=f"{prefix}_facets[{key}]",
        text=text,
        folded=folded,
        decimal=f"{prefix}_decimal[{key}]",
        number=f"{prefix}_number[{key}]",
        time=f"{prefix}_time[{key}]",
        items=f"{prefix}_items[{key}]",
        since=since,
    )
