"""Long work under a lease: it is somebody else's once its worker has been silent for the length of the lease."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LeaseLostError(Exception):
    """Somebody else has the work in hand by now."""


async def under_lease(work: Coroutine[Any, Any, T], renew: Callable[[], Awaitable[bool]], *, every_seconds: float) -> T:
    """Do the work while `renew` is called every so often, and return what it comes to.

    Raises LeaseLostError when `renew` answers no, whatever the work raises, and whatever `renew` raises; the work is
    over in each case before this is.
    """
    doing = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({doing}, timeout=every_seconds))[0]:
            if not await renew():
                raise LeaseLostError
        return doing.result()
    finally:
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
