"""Which pairs of records are worth a look: those that agree in what a model's blocking names."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from services.identity.domain.matching.preparing import Prepared

LARGEST_BLOCK = 2_000
"""Records that agree in something so common say nothing, and their pairs grow by the square."""


def candidate_pairs(
    records: Mapping[str, Prepared], blocking: tuple[tuple[str, ...], ...]
) -> Iterator[tuple[str, str]]:
    """Yield the pairs of keys, the smaller first, each once; records of a block that is too large are left out."""
    seen: set[tuple[str, str]] = set()
    for columns in blocking:
        for members in _blocks(records, columns):
            for pair in combinations(sorted(members), 2):
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def _blocks(records: Mapping[str, Prepared], columns: tuple[str, ...]) -> Iterator[list[str]]:
    blocks = defaultdict[tuple[str, ...], list[str]](list)
    for name, record in records.items():
        values = [value for column in columns if (value := record.get(column)) is not None]
        if len(values) == len(columns):
            blocks[tuple(values)].append(name)
    return (members for members in blocks.values() if len(members) <= LARGEST_BLOCK)


def blocks_of(record: Prepared, blocking: tuple[tuple[str, ...], ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the blocks a record is in: which entry of `blocking`, and the values that others of the block have too."""
    for number, columns in enumerate(blocking):
        values = tuple(value for column in columns if (value := record.get(column)) is not None)
        if len(values) == len(columns):
            yield number, values
