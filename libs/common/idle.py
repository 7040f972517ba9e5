"""How long loops that look for work pause while there is none: quiet systems should cost next to nothing."""

MAX_IDLE_SECONDS = 0.5
"""What a loop slows down to, unless it is slower by itself. Work committed in the same process wakes it at once."""
GROWTH = 1.25
_ENOUGH = 20


def idle_pause(seconds: float, empty: int) -> float:
    """Return how long to pause after so many rounds in a row, before this one, that found nothing."""
    return max(seconds, min(seconds * GROWTH ** min(empty, _ENOUGH), MAX_IDLE_SECONDS))
