"""Whose a message or a run is while persons are one, and when they part: its side never merges, only where it leads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Pointer(NamedTuple):
    """What one version of the graph says of a person: whom he ended in (0: he is himself)."""

    person_no: int
    into_no: int
    graph_version: int


class Departure(NamedTuple):
    """Identifiers that left a person with one part of a split."""

    from_no: int
    part_no: int
    subject_nos: frozenset[int]


class Known(NamedTuple):
    """What was heard of a person so far; the version is 0 where nothing was."""

    into_no: int
    graph_version: int


def newest(pointers: Iterable[Pointer], known: Mapping[int, Known]) -> dict[int, Pointer]:
    """Return, by person, what is news: of the greatest version, and of a greater one than is known."""
    found: dict[int, Pointer] = {}
    for pointer in pointers:
        best = found.get(pointer.person_no)
        seen = best.graph_version if best is not None else known.get(pointer.person_no, Known(0, 0)).graph_version
        if pointer.graph_version > seen:
            found[pointer.person_no] = pointer
    return found


def parted_side(
    side_no: int, subject_no: int, paths: Mapping[int, Sequence[int]], departures: Iterable[Departure]
) -> int:
    """Return whose what is of a side and an identifier is after splits.

    A part takes along what was addressed to its identifiers, wherever below the person it was made; what lies below the
    part by its side goes with it anyway. `paths` leads from each side over whom it merged into to who it is now.
    """
    for departure in departures:
        path = paths[side_no]
        leaves = subject_no in departure.subject_nos and departure.from_no in path
        if leaves and departure.part_no not in path[: path.index(departure.from_no)]:
            side_no = departure.part_no
    return side_no
