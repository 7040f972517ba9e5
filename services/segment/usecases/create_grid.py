"""Many segments at once: one for each combination of the values of some axes (stage x interest)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from math import prod

from libs.common.db import Tx
from libs.common.errors import Invalid
from services.segment.domain.definition import all_of
from services.segment.store import segments
from services.segment.store.segments import SegmentRow
from services.segment.usecases.check_definition import check_definition, read_definition
from services.segment.usecases.create_segment import create_segment

MOST_SEGMENTS = 500
LONGEST_NAME, LONGEST_KEY = 200, 100
"""As of a segment that is made by itself."""
_IN_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Value:
    """A value of an axis: its key, its name, and the condition it stands for."""

    key: str
    name: str
    definition: object


@dataclass(frozen=True)
class Axis:
    """An axis and its values."""

    name: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Grid:
    """`name` and `key` are texts in which `{axis}` stands for the value's name, or key; `base` holds for all."""

    name: str
    key: str | None
    axes: Sequence[Axis]
    base: object | None
    state: str


@dataclass(frozen=True)
class Cell:
    """A segment made, and the values it stands for by axis."""

    row: SegmentRow
    values: Mapping[str, str]


def bound_count(grid: Grid) -> None:
    """Raise Invalid where the grid is of too many segments."""
    count = prod(len(axis.values) for axis in grid.axes)
    if count > MOST_SEGMENTS:
        raise Invalid.at("/axes", f"these are {count} segments; at most {MOST_SEGMENTS} are made at once")


async def create_grid(tx: Tx, *, workspace_id: int, grid: Grid, now: datetime) -> list[Cell]:
    """Make all of them or none; a fault is pointed at where it stands in the axis."""
    bound_count(grid)
    await segments.hold_references(tx, workspace_id)
    await _check(tx, workspace_id, grid)
    cells = []
    # a statement a segment: a few hundred at most, each with its version and its back-fill
    for chosen in product(*(axis.values for axis in grid.axes)):
        named = list(zip(grid.axes, chosen, strict=True))
        parts = [*([grid.base] if grid.base is not None else []), *(value.definition for value in chosen)]
        # of valid parts all are valid, but may be too many
        read_definition(all_of(parts), pointer="/axes")
        row = await create_segment(
            tx,
            workspace_id=workspace_id,
            key=_filled(grid.key, {axis.name: value.key for axis, value in named}) if grid.key else None,
            name=_filled(grid.name, {axis.name: value.name for axis, value in named}),
            state=grid.state,
            definition=all_of(parts),
            now=now,
        )
        cells.append(Cell(row, {axis.name: value.key for axis, value in named}))
    return cells


async def _check(tx: Tx, workspace_id: int, grid: Grid) -> None:
    """Each part is checked once, not each combination: all of valid parts is valid."""
    names = [axis.name for axis in grid.axes]
    if len(set(names)) < len(names):
        raise Invalid.at("/axes", "two axes have the same name")
    for pointer, text, most in (("/name", grid.name, LONGEST_NAME), ("/key", grid.key or "", LONGEST_KEY)):
        longest = {
            axis.name: max((value.name if pointer == "/name" else value.key for value in axis.values), key=len)
            for axis in grid.axes
        }
        left = _filled(text, dict.fromkeys(names, ""))
        if "{" in left or "}" in left:
            raise Invalid.at(pointer, f"only these stand in braces: {', '.join(names)}")
        if (length := len(_filled(text, longest))) > most:
            raise Invalid.at(pointer, f"filled in, the longest is of {length} characters, at most {most} are kept")
    parts = [("/base", grid.base)] if grid.base is not None else []
    parts += [
        (f"/axes/{number}/values/{place}/definition", value.definition)
        for number, axis in enumerate(grid.axes)
        for place, value in enumerate(axis.values)
    ]
    for pointer, body in parts:
        definition = read_definition(body, pointer=pointer)
        await check_definition(tx, workspace_id=workspace_id, definition=definition)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Put each value in its place; what stands in braces in a value is the value's own."""
    return _IN_BRACES.sub(lambda found: values.get(found[1], found[0]), text)
