"""The suppression list: asked last before every handoff, for every class."""

import base64
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.messaging.api.words import TEXT, ChannelName, kept_text
from services.messaging.store.suppressions import add_suppressions, list_suppressions, remove_suppression
from services.messaging.usecases.draft_messages import address_lookup

router = APIRouter(prefix="/v1/messaging", tags=["suppressions"])

Reader = Annotated[Caller, Depends(requires("messages:read"))]
Writer = Annotated[Caller, Depends(requires("messages:write"))]


class SuppressionBody(BaseModel):
    """An address that is not written to, on one channel or (empty) on all."""

    address: Annotated[str, Field(min_length=1, max_length=500, pattern=TEXT)]
    channel: ChannelName | Literal[""] = ""
    reason: Literal["manual", "complaint", "opt_out", "bounced"] = "manual"


class RemovalBody(BaseModel):
    """An address that may be written to again."""

    address: Annotated[str, Field(min_length=1, max_length=500, pattern=TEXT)]
    channel: ChannelName | Literal[""] = ""


class SuppressionView(BaseModel):
    """An entry; the address itself is not kept, only its keyed hash."""

    address_hash: str
    channel: str
    reason: str
    suppressed_at: datetime


@router.post("/suppressions", status_code=204)
async def suppress(body: SuppressionBody, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> None:
    """Put an address on the list."""
    lookup = address_lookup(runtime.sealer(caller.workspace_id), body.address)
    entry = (lookup, body.channel, body.reason)
    await add_suppressions(tx, caller.workspace_id, [entry], now=runtime.now(caller.workspace_id))


@router.post("/suppressions/remove", status_code=204)
async def release(body: RemovalBody, caller: Writer, runtime: RuntimeOf, tx: Transaction) -> None:
    """Take an address off the list (POST, so that no address stands in a URL)."""
    lookup = address_lookup(runtime.sealer(caller.workspace_id), body.address)
    if not await remove_suppression(tx, caller.workspace_id, lookup, body.channel):
        raise NotFound("this address is not on the list")


@router.get("/suppressions")
async def list_all(caller: Reader, tx: Transaction, limit: Limit = 100, cursor: Cursor = None) -> Page[SuppressionView]:
    """List entries by hash."""
    after = decode_cursor(cursor, tuple[bytes, str])
    found = await list_suppressions(
        tx, caller.workspace_id, limit=limit + 1, after=(after[0], kept_text(after[1])) if after else None
    )
    items = [
        SuppressionView(address_hash=base64.b16encode(h).decode().lower(), channel=c, reason=r, suppressed_at=at)
        for h, c, r, at in found[:limit]
    ]
    more = encode_cursor(found[limit - 1][0], found[limit - 1][1]) if len(found) > limit else None
    return Page(items=items, next_cursor=more)
