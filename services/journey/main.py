"""The journey service: `python -m services.journey.main`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from libs.common.runtime import Runtime
from libs.common.service import ServiceDefinition, serve
from services.journey import api, jobs, subscribers
from services.journey.settings import JourneySettings
from services.journey.store.memory import JourneyMemory
from services.journey.usecases import tellings


@asynccontextmanager
async def _parts(_runtime: Runtime[Any]) -> AsyncIterator[JourneyMemory]:
    memory = JourneyMemory()
    try:
        yield memory
    finally:
        await memory.close()


definition = ServiceDefinition(
    name="journey",
    title="Journey",
    settings=JourneySettings,
    api=api,
    parts=_parts,
    subscribers=subscribers,
    jobs=jobs,
    tellings=tellings,
)

if __name__ == "__main__":
    serve(definition)
