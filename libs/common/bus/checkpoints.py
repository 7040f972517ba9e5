"""How far a subscription is in time: instants, and the place in the stream that was its end at each."""

from datetime import datetime

MAX_OPEN = 64


class Checkpoints:
    """When a stream is applied up to where it ended at an instant, all it had at that instant is applied.

    Needs no order of arrival times in the stream, and counts what other processes have in hand: the acknowledged
    floor is the server's. What was reached once stays true.
    """

    def __init__(self) -> None:
        self._stream: datetime | None = None
        self._open: dict[int, list[tuple[datetime, int]]] = {}
        self._reached: dict[int, datetime] = {}

    def note(self, workspace_id: int, instant: datetime, last_sequence: int, stream: datetime) -> None:
        """Remember where the stream (known by its creation time) ended, as read after the instant."""
        if stream != self._stream:
            # sequences of a stream that was wiped say nothing about the new one
            self._open.clear()
            self._stream = stream
        waiting = self._open.setdefault(workspace_id, [])
        waiting.append((instant, last_sequence))
        if len(waiting) > MAX_OPEN:
            # every second one goes, the oldest and the newest stay: whoever is far behind still gets on
            del waiting[1:-1:2]

    def pass_floor(self, workspace_id: int, floor: int, stream: datetime) -> None:
        """Everything of the stream up to `floor` is applied."""
        if stream != self._stream:
            return
        waiting = self._open.get(workspace_id, [])
        passed = [instant for instant, sequence in waiting if sequence <= floor]
        if passed:
            self.reach(workspace_id, max(passed))
            self._open[workspace_id] = [point for point in waiting if point[1] > floor]

    def reach(self, workspace_id: int, instant: datetime) -> None:
        """All that the stream had at this instant is applied."""
        known = self._reached.get(workspace_id)
        self._reached[workspace_id] = instant if known is None else max(known, instant)

    def reached(self, workspace_id: int) -> datetime | None:
        """Return the greatest instant reached; None: nobody knows."""
        return self._reached.get(workspace_id)
