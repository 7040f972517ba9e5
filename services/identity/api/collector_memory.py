"""The bytes the collector has in hand: being read, waiting, or being committed; bounded together."""

from types import TracebackType
from typing import Self

from libs.common.errors import Unavailable


class Memory:
    """Counts bytes; refuses what there is no room for."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.in_hand = 0

    def take(self, size: int) -> None:
        """Take bytes in hand; raises Unavailable when there is no room."""
        if size and self.in_hand + size > self._limit:
            raise full()
        self.in_hand += size

    def give_back(self, size: int) -> None:
        """Bytes are no longer in hand."""
        self.in_hand -= size


class Share:
    """What one request holds from its first byte on, until its posting counts itself or the request ends."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held = 0

    def grow_to(self, size: int) -> None:
        """Hold at least so many bytes; raises Unavailable when there is no room."""
        if size > self._held:
            self._memory.take(size - self._held)
            self._held = size

    def close(self) -> None:
        """Hold nothing any more."""
        self._memory.give_back(self._held)
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self.close()


def full() -> Unavailable:
    """Return the problem of a request there is no room for."""
    return Unavailable("more arrives than can be stored; send it again", code="queue_full", retry_after_seconds=1)
