"""Requests taken apart into calls: each bad one alone, the others go on."""

from typing import Any

import msgspec

from libs.common.access.model import Source
from services.identity.domain.calls import Refusal, mapping, read_call
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
    posting = Posting(source, posted=len(batch.batch), size=len(body), sent_at=read_time(batch.sentAt))
    shared = {name: part for name in ("context", "integrations") if (part := mapping(getattr(batch, name)))}
    why: dict[int, Refusal] = {}
    for position, raw in enumerate(batch.batch):
        call = read_call(memoryview(raw), None, shared)
        if isinstance(call, Refusal):
            why[position] = call
            posting.kept.append((call, bytes(raw)))
        else:
            posting.calls.append(call)
    return posting, why
