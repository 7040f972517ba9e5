"""The ways to a person: a file each, found by its `driver`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from libs.common.db import Database
from libs.common.personal import Sealer
from services.messaging.domain.channel import Channel
from services.messaging.settings import MessagingSettings


@dataclass(frozen=True)
class ChannelContext:
    """What a channel may use: the settings, the worker's database, and the codec of each workspace."""

    settings: MessagingSettings
    database: Database
    sealer: Callable[[int], Sealer]


@dataclass(frozen=True)
class ChannelDriver:
    """How a channel is opened."""

    name: str
    open: Callable[[ChannelContext], Awaitable[Channel]]


@asynccontextmanager
async def open_channels(drivers: list[ChannelDriver], context: ChannelContext) -> AsyncIterator[dict[str, Channel]]:
    """Open every channel, by name, and close them all at the end."""
    opened: dict[str, Channel] = {}
    try:
        for driver in drivers:
            opened[driver.name] = await driver.open(context)
        yield opened
    finally:
        for channel in opened.values():
            await channel.close()
