"""What people said about having their identifiers linked: by identifier and purpose, and how it changed in time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

LINKING = "linking"
"""The purpose for which identifiers are linked where a namespace's policy names no other."""
EVERY = "*"
"""Stands for every purpose that nothing of its own was said about."""

Word = Literal["granted", "withdrawn", "unknown"]
Linking = Literal["opt_out", "opt_in"]
"""Whether evidence links unless its purpose was withdrawn, or only where it was granted."""


class Step(msgspec.Struct, frozen=True):
    """From an instant on, until the next step, this is what counts."""

    since: datetime
    state: Word


class Permission(msgspec.Struct, frozen=True):
    """All that counts, and counted, for an identifier and a purpose, oldest first; the greatest version prevails."""

    version: int
    steps: tuple[Step, ...]

    def at(self, now: datetime) -> Word:
        """Return what counts at an instant."""
        return next((step.state for step in reversed(self.steps) if step.since <= now), "unknown")


Permissions = Mapping[str, Permission]
"""By purpose, for one identifier."""


class Consents(msgspec.Struct, frozen=True):
    """The purposes that are withdrawn and granted for an identifier at one instant."""

    withdrawn: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()

    def forbids(self, purpose: str) -> bool:
        """Return whether links for this purpose are withdrawn."""
        return purpose in self.withdrawn or (EVERY in self.withdrawn and purpose not in self.granted)

    def grants(self, purpose: str) -> bool:
        """Return whether links for this purpose are granted."""
        return purpose in self.granted or (EVERY in self.granted and purpose not in self.withdrawn)


SILENT = Consents()


def consents_at(permissions: Permissions, now: datetime) -> Consents:
    """Return what counts for an identifier at an instant."""
    if not permissions:
        return SILENT
    words = {purpose: said.at(now) for purpose, said in permissions.items()}
    return Consents(
        frozenset(purpose for purpose, word in words.items() if word == "withdrawn"),
        frozenset(purpose for purpose, word in words.items() if word == "granted"),
    )


def newest(one: Permissions, other: Permissions) -> dict[str, Permission]:
    """Return what is known after both were told, in whatever order and however often."""
    found = dict(one)
    for purpose, said in other.items():
        if purpose not in found or found[purpose].version < said.version:
            found[purpose] = said
    return found


def next_step(permissions: Permissions, now: datetime) -> datetime | None:
    """Return the next instant at which time alone changes what counts."""
    later = [step.since for said in permissions.values() for step in said.steps if step.since > now]
    return min(later, default=None)


def permits(basis: str, low: Consents, high: Consents, linking: Linking) -> bool:
    """Return whether evidence of a basis may hold two identifiers together: the most restrictive word of both counts.

    Evidence without a basis (a decision, a hash) needs nobody's consent.
    """
    if not basis:
        return True
    if low.forbids(basis) or high.forbids(basis):
        return False
    return linking == "opt_out" or low.grants(basis) or high.grants(basis)
