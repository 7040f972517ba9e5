"""Dense numbers per workspace, taken in blocks."""

from typing import Literal

from libs.common.db import Tx, statement

Kind = Literal["node", "person"]
BLOCK = 512

_TAKE = statement(
    "insert into number_block as b (workspace_id, kind, next_no) values (:workspace_id, :kind, :count + 1)"
    " on conflict (workspace_id, kind) do update set next_no = b.next_no + :count returning next_no"
)


class Numbers:
    """Numbers this process holds and nobody else will give out; one lost with the process is never used."""

    def __init__(self) -> None:
        self._free: dict[tuple[int, Kind], list[int]] = {}

    async def take(self, tx: Tx, workspace_id: int, kind: Kind, count: int) -> list[int]:
        """Return `count` fresh numbers, ascending.

        They may be used in this transaction only: a block that it opened is shared with later ones after its commit.
        """
        free = self._free.pop((workspace_id, kind), [])
        missing = count - len(free)
        if missing > 0:
            size = max(missing, BLOCK)
            end = int(await tx.fetch_value(_TAKE, workspace_id=workspace_id, kind=kind, count=size))
            opened = list(range(end - size, end))
            taken, rest = [*free, *opened[:missing]], opened[missing:]
            tx.after_commit(lambda: self.give_back(workspace_id, kind, rest))
            return taken
        self.give_back(workspace_id, kind, free[count:])
        return free[:count]

    def give_back(self, workspace_id: int, kind: Kind, numbers: list[int]) -> None:
        """Let others have numbers that nobody used, of a block that is committed."""
        if numbers:
            held = self._free.setdefault((workspace_id, kind), [])
            held.extend(numbers)
            held.sort()
