"""Sticky chance: the same person always draws the same lot."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

_LOTS = 10_000


def lot(salt: str, person_id: UUID) -> float:
    """Return a person's place in [0, 100) under a salt, in steps of a hundredth; never random."""
    digest = hashlib.blake2b(salt.encode() + b"\0" + person_id.bytes, digest_size=8).digest()
    return int.from_bytes(digest, "big") % _LOTS * 100 / _LOTS


def draw(salt: str, person_id: UUID, weights: Mapping[str, float]) -> str:
    """Return the arm a person draws; weights are shares of their sum."""
    place = lot(salt, person_id) * sum(weights.values()) / 100
    reached = 0.0
    arm = ""
    for arm, weight in weights.items():
        reached += weight
        if place < reached:
            return arm
    return arm
