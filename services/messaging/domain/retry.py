"""When to try again."""

from datetime import datetime, timedelta

from services.messaging.domain.provider_errors import CanonicalError

FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=15)
NEEDS_HANDS = frozenset({CanonicalError.CONFIG, CanonicalError.AUTH_DENIED})
"""Somebody has to repair something: tried again, seldom, so that nothing is lost to a wrong password."""


def next_try(now: datetime, attempts: int, expires_at: datetime, retry_after_seconds: float | None) -> datetime:
    """Return the workspace's time of the next try: doubling, at least what the provider asked, at most the expiry."""
    pause: timedelta = min(FIRST * (1 << min(attempts, 10)), LONGEST)
    if retry_after_seconds is not None:
        pause = max(pause, timedelta(seconds=retry_after_seconds))
    return min(now + pause, expires_at)
