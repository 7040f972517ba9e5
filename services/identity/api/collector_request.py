"""Reading what an SDK sends: bounded and inflated bodies, and the write key wherever it stands."""

import base64
import binascii
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request

from libs.common.access.keys import kind_of
from libs.common.access.model import Source
from libs.common.clock import wall_now
from libs.common.errors import FieldError, Forbidden, Malformed, Unauthorized, UnsupportedMedia
from libs.common.runtime import Runtime
from services.identity.domain.limits import BATCH_BYTES


class _KeyInBody(msgspec.Struct):
    writeKey: Any = None  # noqa: N815 - the SDKs' word


_key_in_body = msgspec.json.Decoder(_KeyInBody)


def too_large() -> Malformed:
    """Return the problem of a body over the limit; the specification answers 400."""
    return Malformed(
        f"a request may have {BATCH_BYTES} bytes after inflating",
        code="request_too_large",
        errors=[FieldError(pointer="", detail="the body is too large", code="request_too_large")],
    )


Grow = Callable[[int], None]


async def read_body(request: Request, grow_to: Grow) -> bytes:
    """Return the body, inflated; stops as soon as it is over the limit, or `grow_to` finds no room for it."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return await _joined(request.stream(), grow_to)
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise UnsupportedMedia("send the body plain, gzip or deflate")
    return await _joined(_inflated(request.stream(), zlib.MAX_WBITS | 32), grow_to)


async def _joined(chunks: AsyncIterator[bytes], grow_to: Grow) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > BATCH_BYTES:
                raise too_large()
            grow_to(size)
            parts.append(chunk)
    except ClientDisconnect as error:
        raise Malformed("the request ended before its body") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _inflated(chunks: AsyncIterator[bytes], window: int) -> AsyncIterator[bytes]:
    inflater = zlib.decompressobj(window)
    try:
        async for chunk in chunks:
            # One byte over the limit is enough to know; a bomb is never unpacked.
            clear = inflater.decompress(chunk, BATCH_BYTES + 1)
            if inflater.unconsumed_tail:
                raise too_large()
            yield clear
        yield inflater.flush()
    except zlib.error as error:
        raise Malformed("the body is not what its Content-Encoding says", code="not_inflatable") from error
    if not inflater.eof:
        raise Malformed("the compressed body ends early", code="not_inflatable")


def key_in_header(request: Request) -> str | None:
    """Return the write key of the header, if there is one: Basic user name, bare or Bearer."""
    header = request.headers.get("authorization", "")
    return _key_of_header(header) if header else None


def key_in_body(body: bytes) -> str:
    """Return the `writeKey` of a body."""
    try:
        key = _key_in_body.decode(body).writeKey
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(f"the body is not JSON: {error}", code="malformed_json") from error
    if not isinstance(key, str) or not key:
        raise Unauthorized("send the write key as the Basic user name or as `writeKey` in the body")
    return key


def _key_of_header(header: str) -> str:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise Unauthorized("the Authorization header is not Basic authentication") from error
    return rest.strip() if rest else scheme


async def source_of(request: Request, runtime: Runtime[Any], key: str) -> Source:
    """Return the source a write key belongs to; raises Unauthorized, or Forbidden from a foreign origin."""
    if kind_of(key) != "write":
        raise Unauthorized("this is not a write key")
    await runtime.directory.ensure_key(key)
    source = runtime.directory.source_of_write_key(key, wall_now())
    if source is None:
        raise Unauthorized("the write key is unknown or was revoked")
    origin = request.headers.get("origin")
    if source.origins and origin is not None and origin not in source.origins:
        raise Forbidden("this origin may not use the write key")
    return source
