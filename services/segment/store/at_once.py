"""Several questions at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

R = TypeVar("R")
S = TypeVar("S")


async def at_once(*asked: Awaitable[R]) -> list[R]:
    """Return the answers when all have ended, or raise the first trouble: nothing goes on behind whoever asked."""
    ends = await asyncio.gather(*asked, return_exceptions=True)
    answers: list[R] = []
    for end in ends:
        if isinstance(end, BaseException):
            raise end
        answers.append(end)
    return answers


async def both(one: Awaitable[R], other: Awaitable[S]) -> tuple[R, S]:
    """Return the two answers when both have ended, or raise the first trouble."""
    ends = await asyncio.gather(one, other, return_exceptions=True)
    first, second = ends
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second
