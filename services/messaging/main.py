"""Start the messaging service: `python -m services.messaging.main`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from libs.common.registry import discover
from libs.common.runtime import Runtime
from libs.common.service import ServiceDefinition, serve
from services.messaging import api, channels, jobs, subscribers
from services.messaging.channels import ChannelContext, ChannelDriver, open_channels
from services.messaging.clients.parts import Parts
from services.messaging.clients.renderer import Renderer
from services.messaging.settings import MessagingSettings
from services.messaging.usecases import tellings


@asynccontextmanager
async def parts(runtime: Runtime[Any]) -> AsyncIterator[Parts]:
    """Open the channels and the sandbox."""
    settings = runtime.settings
    if not isinstance(settings, MessagingSettings):
        raise TypeError("messaging needs MessagingSettings")
    context = ChannelContext(settings, runtime.worker_database, runtime.sealer)
    renderer = Renderer(settings.render_processes)
    await renderer.open()
    try:
        async with open_channels(discover(channels, "driver", ChannelDriver), context) as opened:
            yield Parts(settings, opened, renderer)
    finally:
        await renderer.close()


definition = ServiceDefinition(
    name="messaging",
    title="Messaging",
    settings=MessagingSettings,
    api=api,
    subscribers=subscribers,
    jobs=jobs,
    tellings=tellings,
    parts=parts,
)

if __name__ == "__main__":
    serve(definition)
