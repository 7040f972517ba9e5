"""Composition of the identity service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import services.identity.api
import services.identity.jobs
import services.identity.subscribers
from libs.common.access.model import ApiKey
from libs.common.ids import new_id
from libs.common.runtime import Runtime
from libs.common.service import ServiceDefinition, serve
from services.identity.settings import IdentitySettings
from services.identity.store import access
from services.identity.usecases.identity_parts import IdentityParts, make_identity_parts


@asynccontextmanager
async def parts(runtime: Runtime[Any]) -> AsyncIterator[IdentityParts]:
    """Admit the installation's administrator; give the graph its tools."""
    if isinstance(runtime.settings, IdentitySettings) and runtime.settings.admin_key_hash:
        record = ApiKey(
            key_id=str(new_id()),
            kind="secret",
            hash=bytes.fromhex(runtime.settings.admin_key_hash),
            workspace_id=0,
            scopes=("*",),
            name="administrator",
        )
        async with runtime.worker_database.transaction(()) as tx:
            if not await access.is_known_key(tx, record.hash):
                await access.keep(tx, record)
                runtime.directory.put(record)
    yield make_identity_parts(runtime)


definition: ServiceDefinition[IdentityParts] = ServiceDefinition(
    name="identity",
    title="identity",
    settings=IdentitySettings,
    api=services.identity.api,
    subscribers=services.identity.subscribers,
    jobs=services.identity.jobs,
    parts=parts,
)

if __name__ == "__main__":
    serve(definition)
