"""How many connections clients of HTTP keep."""

import httpx


def keep_all(most: int | None = None) -> httpx.Limits:
    """Return limits by which a client may open `most` connections (any number), and keeps each of them.

    A pool of httpcore that may keep fewer than it opens counts those in use as surplus: once it has more than it may
    keep it closes each that comes back, and sometimes one that was given to a request just before, which then fails
    (encode/httpcore, issue 1110).
    """
    return httpx.Limits(max_connections=most, max_keepalive_connections=most)
