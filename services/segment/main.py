"""The segment service: who, exactly, right now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from libs.common.runtime import Runtime
from libs.common.service import ServiceDefinition, serve
from services.segment import api, jobs, subscribers
from services.segment.settings import SegmentSettings
from services.segment.store.columnar import Columnar
from services.segment.store.parts import SegmentParts
from services.segment.usecases.adopt_store import adopt_store


@asynccontextmanager
async def parts(runtime: Runtime[Any]) -> AsyncIterator[SegmentParts]:
    """Open the columnar store for as long as the service runs."""
    settings = cast("SegmentSettings", runtime.settings)
    columnar = await Columnar.open(
        settings.columnar,
        master_key=settings.master_key.get_secret_value(),
        cache_bytes=settings.columnar_cache_bytes,
    )
    try:
        await adopt_store(runtime.worker_database, columnar)
        yield SegmentParts(columnar)
    finally:
        await columnar.close()


definition = ServiceDefinition(
    name="segment",
    title="Rapport segments",
    settings=SegmentSettings,
    api=api,
    parts=parts,
    subscribers=subscribers,
    jobs=jobs,
)

if __name__ == "__main__":
    serve(definition)
