"""Requests taken apart into calls: each bad one alone, the others go on."""

from typing import Any

import msgspec

from libs.common.access.model import Source
from services.identity.domain.calls import Refusal, mapping, read_call, unstorable, with_shared
from services.identity.domain.limits import SPREAD_BYTES
from services.identity.domain.posting import Posting
from services.identity.domain.timestamps import read_time


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw] | None = None
    sentAt: Any = None  # noqa: N815 - the specification's word
    context: Any = None
    integrations: Any = None


_batches = msgspec.json.Decoder(_Batch)


def read_single(source: Source, body: bytes, kind: str) -> Posting:
    """Return the posting of one call; a bad one is refused, so that its sender can mend it."""
    posting = Posting(source, posted=1, size=len(body))
    call = read_call(body, kind)
    if isinstance(call, Refusal):
        posting.refused.append(call)
    else:
        posting.calls.append(call)
    return posting


def read_batch(source: Source, body: bytes) -> tuple[Posting, dict[int, Refusal]] | Refusal:
    """Return the posting of a batch and, by position, why calls were quarantined; Refusal when it is no batch."""
    try:
        batch = _batches.decode(body)
    except msgspec.ValidationError:
        return Refusal("not_a_batch", "/batch", "batch is a list of calls")
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        return Refusal("malformed_json", "", f"the body is not JSON: {error}")
    if batch.batch is None:
        return Refusal("not_a_batch", "/batch", "batch is a list of calls")
    shared = {name: part for name in ("context", "integrations") if (part := mapping(getattr(batch, name)))}
    spread = _spread(shared, body, len(batch.batch)) if shared else 0
    if isinstance(spread, Refusal):
        return spread
    posting = Posting(source, posted=len(batch.batch), size=len(body) + spread, sent_at=read_time(batch.sentAt))
    why: dict[int, Refusal] = {}
    for position, raw in enumerate(batch.batch):
        call = read_call(memoryview(raw), None, shared)
        if isinstance(call, Refusal):
            why[position] = call
            posting.kept.append((call, _whole(bytes(raw), shared)))
        else:
            posting.calls.append(call)
    return posting, why


def _spread(shared: dict[str, Any], body: bytes, calls: int) -> int | Refusal:
    """Return how many bytes all calls of a batch gain by what it says of all; Refusal where that cannot be kept.

    Every call is stored with it: a large context over many small calls would be hundreds of times what was posted.
    """
    refusal = unstorable(body, shared)
    if refusal is not None:
        return refusal
    spread = len(msgspec.json.encode(shared)) * calls
    if spread > SPREAD_BYTES:
        detail = f"what a batch says of all its calls may weigh {SPREAD_BYTES} bytes with all of them, this: {spread}"
        return Refusal("shared_too_large", "/context", detail)
    return spread


def _whole(raw: bytes, shared: dict[str, Any]) -> bytes:
    """Return a call that cannot be taken as it is kept: with what its batch says of all, if it is an object."""
    if not shared:
        return raw
    try:
        body = msgspec.json.decode(raw)
        return msgspec.json.encode(with_shared(body, shared)) if isinstance(body, dict) else raw
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return raw
