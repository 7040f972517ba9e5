"""The real five processes with PostgreSQL and NATS, once per session; every test has a workspace of its own."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from demo.sink import MailSink
from launcher.stack import Stack
from libs.common.ids import new_id
from tests.e2e.brand import Brand

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One system for all stories: they run in one worker, one after the other."""
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest_asyncio.fixture(scope="session")
async def sink(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MailSink]:
    """Where all mail of the system ends."""
    async with MailSink(tmp_path_factory.mktemp("sink") / "journal.ndjson") as running:
        os.environ["MESSAGING_SMTP_HOST"] = "127.0.0.1"
        os.environ["MESSAGING_SMTP_PORT"] = str(running.smtp_port)
        os.environ["MESSAGING_SMTP_LOOKUP_URL"] = f"http://127.0.0.1:{running.http_port}/messages"
        yield running


@pytest_asyncio.fixture(scope="session")
async def stack(sink: MailSink) -> AsyncIterator[Stack]:
    """The whole system in test mode."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() and shutil.disk_usage(memory).free > 2**32 else None
    home = Path(tempfile.mkdtemp(prefix="rapport-e2e-", dir=parent))
    try:
        async with Stack(home=home, mode="test") as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


BrandOf = Callable[..., Awaitable[Brand]]


@pytest_asyncio.fixture
async def a_brand(stack: Stack) -> AsyncIterator[BrandOf]:
    """`await a_brand()` makes a workspace with a driven clock, a trusted and a public source."""
    made: list[Brand] = []

    async def make(now: datetime | None = START, timezone: str = "UTC") -> Brand:
        brand = await Brand.open(stack, f"t-{new_id().hex[:20]}", now, timezone)
        made.append(brand)
        return brand

    yield make
    for brand in made:
        await brand.close()
