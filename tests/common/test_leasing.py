"""Long work under a lease goes on while it is renewed, and ends when somebody else has it."""

import asyncio

import pytest

from libs.common.leasing import LeaseLostError, under_lease


async def test_work_is_renewed_until_it_is_done() -> None:
    renewed = asyncio.Event()

    async def work() -> str:
        await renewed.wait()
        return "done"

    async def renew() -> bool:
        renewed.set()
        return True

    assert await under_lease(work(), renew, every_seconds=0.001) == "done"


async def test_work_that_is_somebody_elses_is_over_before_it_is_said() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def renew() -> bool:
        return False

    with pytest.raises(LeaseLostError):
        await under_lease(work(), renew, every_seconds=0.001)
    assert ended == ["work"]


async def test_what_the_work_raises_comes_through() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    async def renew() -> bool:
        return True

    with pytest.raises(ZeroDivisionError):
        await under_lease(work(), renew, every_seconds=1)
