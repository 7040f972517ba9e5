"""Sets of persons: as the engine writes them (the state of its groupBitmap), and made of numbers or marks."""

import struct

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

CHUNK = 1 << 16
_NO_RUNS = 12346
_LONGEST_LIST = 4096
_FEW = 1 << 12
_MOSTLY_EMPTY = 64


def read_bitmap(state: bytes) -> BitMap:
    """Return the set; up to 32 numbers are listed, more are a Roaring bitmap in its portable form."""
    if not state[0]:
        return BitMap(struct.unpack_from(f"<{state[1]}I", state, 2))
    start = 1
    while state[start] & 0x80:  # its length, seven bits a byte
        start += 1
    return BitMap.deserialize(state[start + 1 :])


def is_sparse(numbers: NDArray[np.int32]) -> bool:
    """Tell whether an array of everything up to the largest of the numbers would be mostly empty."""
    return int(numbers.max()) > _MOSTLY_EMPTY * len(numbers)


def bitmap_of(numbers: NDArray[np.int32]) -> BitMap:
    """Return the set of numbers from 0 on, which may repeat and stand in any order."""
    if len(numbers) < _FEW or is_sparse(numbers):
        return BitMap(np.unique(numbers).astype(np.uint32))
    marks = np.zeros(int(numbers.max()) + 1, np.bool_)
    marks[numbers] = True
    return bitmap_where(marks)


def bitmap_where(marks: NDArray[np.bool_]) -> BitMap:
    """Return the set of places that are marked.

    It is written in Roaring's portable form and read back: number by number took 30 ns for each.
    """
    heads, offsets, bodies = [], [], []
    for key in range(len(marks) // CHUNK + 1):
        chunk = marks[key * CHUNK : (key + 1) * CHUNK]
        count = int(np.count_nonzero(chunk))
        if not count:
            continue
        heads.append(struct.pack("<HH", key, count - 1))
        if count <= _LONGEST_LIST:
            bodies.append(np.flatnonzero(chunk).astype("<u2").tobytes())
        else:
            bodies.append(np.packbits(chunk, bitorder="little").tobytes().ljust(CHUNK // 8, b"\0"))
    start = 8 + 8 * len(bodies)
    for body in bodies:
        offsets.append(struct.pack("<I", start))
        start += len(body)
    return BitMap.deserialize(b"".join([struct.pack("<II", _NO_RUNS, len(bodies)), *heads, *offsets, *bodies]))
