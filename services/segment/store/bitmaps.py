"""Sets of persons as the engine writes them: the state of its groupBitmap."""

import struct

from pyroaring import BitMap


def read_bitmap(state: bytes) -> BitMap:
    """Return the set; up to 32 numbers are listed, more are a Roaring bitmap in its portable form."""
    if not state[0]:
        return BitMap(struct.unpack_from(f"<{state[1]}I", state, 2))
    start = 1
    while state[start] & 0x80:  # its length, seven bits a byte
        start += 1
    return BitMap.deserialize(state[start + 1 :])
