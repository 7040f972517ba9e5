"""What names a segment in another service."""

from typing import Literal, NamedTuple


class NamedIn(NamedTuple):
    """What names a segment; `state` is a journey's status, and `live` for a tag, whose rule is asked always."""

    kind: Literal["journey", "tag"]
    key: str
    name: str
    state: str

    def told(self) -> str:
        """Return it for a reader."""
        return f"journey `{self.name}` ({self.key}, {self.state})" if self.kind == "journey" else f"tag `{self.name}`"
