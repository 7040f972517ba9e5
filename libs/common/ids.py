"""Identifiers: UUIDv7 for everything that is named, dense integers for what is counted."""

import os
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


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    # one call for all 74 random bits: the system call is what an id costs
    random = int.from_bytes(os.urandom(10), "big")
    value |= 0x7 << 76
    value |= (random >> 68) << 64
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
