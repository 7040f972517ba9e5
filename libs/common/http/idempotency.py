"""`Idempotency-Key`: the same request twice has one effect and one answer."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Header, Response
from pydantic import BaseModel

from libs.common.db import Tx, statement
from libs.common.errors import Conflict, Invalid

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=200, description="the same key and body have one effect")
]

_CLAIM = """
insert into idempotency_key (workspace_id, route, key, body_hash)
values (:workspace_id, :route, :key, :body_hash)
on conflict (workspace_id, route, key) do nothing
returning 1
"""
_SEEN = """
select body_hash, answer from idempotency_key
where workspace_id = :workspace_id and route = :route and key = :key
"""
_ANSWER = """
update idempotency_key set answer = :answer
where workspace_id = :workspace_id and route = :route and key = :key
"""


async def answered_before(tx: Tx, *, workspace_id: int, route: str, key: str | None, body: Any) -> Any | None:
    """Claim a key in the effect's own transaction; return the first answer when it was used before.

    A concurrent twin waits in the insert until the first commits. Raises Invalid for the same key with another body.
    """
    if key is None:
        return None
    body_hash = hashlib.sha256(msgspec.json.encode(body, order="deterministic")).digest()
    position = {"workspace_id": workspace_id, "route": route, "key": key}
    if await tx.fetch_value(statement(_CLAIM), **position, body_hash=body_hash):
        return None
    seen = await tx.fetch_one(statement(_SEEN), **position)
    if seen is None:
        raise Conflict("this Idempotency-Key is in use right now; send the request again")
    if bytes(seen["body_hash"]) != body_hash:
        raise Invalid.at("header/Idempotency-Key", "this key was used before with another body")
    return seen["answer"]


async def remember_answer(tx: Tx, *, workspace_id: int, route: str, key: str | None, answer: Any) -> None:
    """Keep the answer of a claimed key."""
    if key is not None:
        await tx.execute(statement(_ANSWER), workspace_id=workspace_id, route=route, key=key, answer=answer)


async def answer_once(
    tx: Tx, *, workspace_id: int, route: str, key: str | None, body: BaseModel, make: Callable[[], Awaitable[Response]]
) -> Response:
    """Return what `make` answers, its effect in the same transaction, or what it answered when the key was used before.

    Byte for byte, with its status: for bodies and answers with exact numbers.
    """
    asked = json.dumps(body.model_dump(), sort_keys=True, default=str)
    before = await answered_before(tx, workspace_id=workspace_id, route=route, key=key, body=asked)
    if before is not None:
        return Response(before["body"], before["status"], media_type="application/json")
    given = await make()
    said = {"status": given.status_code, "body": bytes(given.body).decode()}
    await remember_answer(tx, workspace_id=workspace_id, route=route, key=key, answer=said)
    return given
