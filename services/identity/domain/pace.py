"""How many events one transaction of the resolver takes: as many as are done before anybody waits too long for it."""

LEAST = 100
MOST = 1_000


def next_size(size: int, taken: int, seconds: float, *, budget_seconds: float) -> int:
    """Return how many events to take next when `taken` of `size` were done in `seconds` of wall time.

    Whoever asks about one of a batch's identifiers waits for its transaction, and everybody else in the process for
    its computing. Fewer at once where that took longer than the budget, half as many again at the most where not.
    A batch that was not full says nothing about the next one. Never fewer than LEAST: a processor that others keep
    busy would bring the pace down to the price of transactions alone.
    """
    if taken < size or seconds <= 0:
        return size
    fitting = int(taken * budget_seconds / seconds)
    return max(LEAST, min(MOST, fitting, size + size // 2))
