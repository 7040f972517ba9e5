"""Where the columns of one stored value are found, and what can be asked of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from services.segment.domain.binding import Binder
from services.segment.domain.values import Facet, name_key


@dataclass(frozen=True, slots=True)
class ValueColumns:
    """SQL expressions of one stored value; every one is defined (never NULL) when the value is missing.

    `inside` gives those of a value nested in it by a name, `zone` the person's time zone where it is asked for.
    """

    facets: str
    text: str
    folded: str
    decimal: str
    number: str
    time: str
    items: str
    numeric: str
    """The predicate "can be read as a number", from the column of the number where that alone tells."""
    since: str = ""
    zone: str = ""
    inside: Callable[[str], "ValueColumns"] | None = field(default=None, compare=False)

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
        return self.is_any(Facet.TEXT | Facet.NUMBER | Facet.BOOLEAN)

    def is_any(self, facets: Facet) -> str:
        """Return the predicate "any of these facets"."""
        return f"bitAnd({self.facets}, {int(facets)}) != 0"

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

    def on_the_wall(self, format_: str) -> str:
        """Return what the clock on the wall shows in the person's own zone, written so; a wall time is what it is."""
        spelled = f"if({self.has(Facet.LOCAL)}, 'UTC', {self.zone})"
        return f"formatDateTime({self.time}, '{format_}', {spelled})"

    def local_day(self, format_: str) -> str:
        """Return the day in the person's own zone, as a number written so ("%m%d", "%Y%m%d")."""
        return f"toUInt32({self.on_the_wall(format_)})"

    def local(self, zone: str, part: str) -> str:
        """Return a calendar part (a function such as toMonth) of the wall time in `zone`."""
        return f"if({self.has(Facet.LOCAL)}, {part}({self.time}), {part}(toTimeZone({self.time}, {zone})))"


LARGEST_NUMBER = "greatest(arrayMax(mapValues(property_number)), -arrayMin(mapValues(property_number)))"
"""The number of an event furthest from 0; spelled as the index over it is, or it is not used."""
ZONE_TRAIT = "timezone"
"""The trait that says which time zone a person lives in."""

TRAIT_COLUMNS = ValueColumns(
    "facets",
    "text",
    "folded",
    "decimal",
    "number",
    "time",
    "items",
    f"bitAnd(facets, {int(Facet.NUMERIC)}) != 0",
    "since",
)


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
        numeric=f"mapContains({prefix}_number, {key})",
        since=since,
    )


def path_columns(prefix: str, path: tuple[str, ...], bind: Binder, since: str = "") -> ValueColumns:
    """Return the columns of what lies at a path below the map columns `<prefix>_...`."""
    found = map_columns(prefix, bind.text(name_key(path)), since)
    return replace(found, inside=lambda name: path_columns(prefix, (*path, name), bind, since))


def trait_columns(path: tuple[str, ...], bind: Binder) -> ValueColumns:
    """Return the columns of a trait's row, or of what is nested in it by path."""
    if path:
        return path_columns("leaf", path, bind, "since")
    return replace(TRAIT_COLUMNS, inside=lambda name: path_columns("leaf", (name,), bind, "since"))


def in_person_zone(value: ValueColumns, name: str, zone: str, bind: Binder) -> ValueColumns:
    """Return a trait's columns as aggregates over all traits of a person, with his own zone, else the one given."""

    def newest(column: str, trait: str = name) -> str:
        # the row that takes an older value out of the other table is of the same version
        return f"argMaxIf({column}, (version, facets != 0), name = {bind.text(trait)})"

    said = newest("text", ZONE_TRAIT)
    known = f"has((select groupArray(time_zone) from system.time_zones), {said})"
    return ValueColumns(
        facets=newest(value.facets),
        text=newest(value.text),
        folded=newest(value.folded),
        decimal=newest(value.decimal),
        number=newest(value.number),
        time=newest(value.time),
        items=newest(value.items),
        numeric=newest(value.numeric),
        since=newest(value.since),
        zone=f"if({known}, {said}, {zone})",
    )
