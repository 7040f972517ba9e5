"""Composition of the identity service."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from opentelemetry import metrics

import services.identity.api
import services.identity.jobs
import services.identity.subscribers
import services.identity.usecases.tellings
from libs.common.access.model import ApiKey
from libs.common.ids import new_id
from libs.common.runtime import Runtime
from libs.common.service import ServiceDefinition, serve
from services.identity.clients.wechat import WeChat
from services.identity.settings import IdentitySettings
from services.identity.store import access, erasures
from services.identity.usecases.identity_parts import IdentityParts, make_identity_parts
from services.identity.usecases.note_in_ledger import note_unwritten
from services.identity.usecases.reapply_erasures import last_words, missing_erasures, reapply_erasures

log = logging.getLogger(__name__)
_quarantined = metrics.get_meter("rapport").create_counter(
    "rapport.identity.links_quarantined", description="links that wait until somebody has looked, by reason"
)
_limited = metrics.get_meter("rapport").create_counter(
    "rapport.identity.links_limited",
    description="links that join nobody, or somebody would have too many, by limit",
)


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
    settings = cast("IdentitySettings", runtime.settings)
    wechat = WeChat(settings.wechat_url, settings.wecom_url)
    try:
        made = make_identity_parts(runtime, wechat, quarantined=tell_quarantined, limited=tell_limited)
        await keep_erased(runtime, made)
        yield made
    finally:
        await wechat.close()


def tell_quarantined(workspace_id: int, reason: str, links: int) -> None:
    """Count links that went into quarantine, and say so: somebody has to look at them."""
    _quarantined.add(links, {"workspace": workspace_id, "reason": reason})
    log.warning("links were quarantined", extra={"workspace": workspace_id, "reason": reason, "links": links})


def tell_limited(workspace_id: int, reason: str, links: int) -> None:
    """Count links that a limit keeps from joining anybody; what they say stays, and `why-not` shows it."""
    _limited.add(links, {"workspace": workspace_id, "reason": reason})


async def keep_erased(runtime: Runtime[Any], made: IdentityParts) -> None:
    """Erase anew, before anybody is answered, whom a restored database has again; a lost ledger is written anew."""
    entries = made.ledger.read(lambda line: log.error("a line of the ledger of erasures is torn", extra={"line": line}))
    known = {workspace.workspace_id for workspace in runtime.directory.workspaces()}
    of_others = {entry.workspace_id for entry in entries} - known
    if of_others:
        log.error("the ledger of erasures names workspaces unknown here", extra={"workspaces": sorted(of_others)})
    mine = [entry for entry in entries if entry.workspace_id in known]
    words = last_words(mine, runtime.sealer)
    for workspace_id in sorted(known):
        theirs = [entry for entry in mine if entry.workspace_id == workspace_id]
        async with runtime.worker_database.transaction(workspace_id) as tx:
            await erasures.alone(tx)
            for entry in await missing_erasures(tx, theirs):
                log.warning("the database was restored from before an erasure; it is done anew",
                            extra={"erasure": str(entry.erasure_id)})  # fmt: skip
                await reapply_erasures(tx, made.graph, entry, words[entry.erasure_id])
            await note_unwritten(tx, made.ledger, workspace_id, theirs, runtime.sealer(workspace_id))


definition: ServiceDefinition[IdentityParts] = ServiceDefinition(
    name="identity",
    title="identity",
    settings=IdentitySettings,
    api=services.identity.api,
    subscribers=services.identity.subscribers,
    jobs=services.identity.jobs,
    tellings=services.identity.usecases.tellings,
    parts=parts,
)

if __name__ == "__main__":
    serve(definition)
