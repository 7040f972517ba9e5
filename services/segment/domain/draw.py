"""A draw per person that never changes: a hash of his number under a salt."""

import hashlib

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

DRAWS = 1_000_000


def draws(persons: npt.NDArray[np.uint64], salt: str) -> npt.NDArray[np.uint64]:
    """Return each person's draw, 0 to 999,999: SplitMix64 (Steele, Lea, Flood 2014) of his number and the salt.

    It depends on nobody else, so that it stays when others come or go.
    """
    seed = np.uint64(int.from_bytes(hashlib.sha256(salt.encode("utf-8")).digest()[:8], "big"))
    mixed = (persons ^ seed) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(32)) * np.uint64(DRAWS)) >> np.uint64(32)


def draw_of(person_no: int, salt: str) -> int:
    """Return one person's draw."""
    return int(draws(np.array([person_no], dtype=np.uint64), salt)[0])


def drawn(persons: BitMap, salt: str, low: int, high: int) -> BitMap:
    """Return those of the persons whose draw lies in [low, high)."""
    numbers = np.array(persons, dtype=np.uint64)
    told = draws(numbers, salt)
    return BitMap(numbers[(told >= low) & (told < high)].astype(np.uint32))
