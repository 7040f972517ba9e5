"""The universal holdout: a fixed part of all persons gets nothing but transactional messages."""

import hashlib


def bucket(salt: str, workspace_id: int, person_no: int) -> float:
    """Return a person's place in [0, 100), the same for ever under one salt."""
    digest = hashlib.sha256(f"{salt}|{workspace_id}|{person_no}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


def is_held_out(salt: str, percent: float, workspace_id: int, person_no: int) -> bool:
    """Return whether the person belongs to the holdout; a larger percentage only adds persons."""
    return percent > 0 and bucket(salt, workspace_id, person_no) < percent
