"""Identifiers: UUIDv7 for everything that is named, dense integers for what is counted."""

import os
import threading
import time
from hashlib import blake2b
from typing import NewType
from uuid import UUID

WorkspaceId = NewType("WorkspaceId", int)
"""Number of a workspace; 32 bit."""
PersonNo = NewType("PersonNo", int)
"""Dense number of a person within a workspace; 32 bit, never reused, never shown as the id."""
SubjectNo = NewType("SubjectNo", int)
"""Dense number of an identifier (node) within a workspace; 32 bit."""
SourceId = NewType("SourceId", int)
"""Number of a source; 32 bit, unique over all workspaces."""


class Counter:
    """What the process made its latest id of: a millisecond, and how many it had made in it before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.milliseconds = 0
        self.made = 0

    def next(self) -> tuple[int, int]:
        """Return the millisecond and the place in it of the next id; never one that was given, nor one before it."""
        with self.lock:
            now = time.time_ns() // 1_000_000
            if now > self.milliseconds:
                self.milliseconds, self.made = now, 0
            else:
                # the same millisecond, or a clock that was set back; a full one borrows from the next
                self.made += 1
                if self.made > _MOST_IN_A_MILLISECOND:
                    self.milliseconds, self.made = self.milliseconds + 1, 0
            return self.milliseconds, self.made


_MOST_IN_A_MILLISECOND = 0xFFF
_counter = Counter()


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562, method 1): 48 bits of milliseconds, 12 that count within one, 62 random bits.

    The ids of a process ascend in the order of the calls: events of one instant stand in the order they came in.
    """
    milliseconds, made = _counter.next()
    random = int.from_bytes(os.urandom(8), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= made << 64
    value |= 0b10 << 62
    value |= random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=value)


def fact_id(*parts: object) -> UUID:
    """Return an id made of what a fact is about (RFC 9562, version 8): whoever tells the fact again uses the same."""
    text = "\x1f".join(str(part) for part in parts).encode()
    value = int.from_bytes(blake2b(text, digest_size=16).digest(), "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | 0x8 << 76 | 0b10 << 62)


def partition(workspace_id: int, person_no: int) -> int:
    """Return the partition 0..15 of a person's events; fixed for ever (Fibonacci hashing of both numbers)."""
    mixed = (workspace_id * 0x9E3779B97F4A7C15 ^ (person_no * 0xC2B2AE3D27D4EB4F)) & 0xFFFF_FFFF_FFFF_FFFF
    return (mixed >> 29) & 0xF
