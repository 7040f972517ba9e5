"""What silence means in a workspace: where nobody said anything, contact is allowed or not."""

from dataclasses import dataclass

ANY = "*"
"""Stands for every purpose or every channel."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The declarations (purpose, channel, whether silence allows) of a workspace, and which version they are."""

    declared: frozenset[tuple[str, str, bool]] = frozenset()
    version: int = 0

    def allows(self, purpose: str, channel: str) -> bool:
        """Return whether silence allows it: the exact word prevails over the one for every channel; else not."""
        for where in ((purpose, channel), (purpose, ANY)):
            for allowed in (True, False):
                if (*where, allowed) in self.declared:
                    return allowed
        return False


NOTHING_DECLARED = Silence()
"""Silence allows nothing."""
