"""Signed links: what an address in a mail may do, without a session and without being forged."""

import base64
import html
import re
from collections.abc import Callable
from typing import Literal
from uuid import UUID

import msgspec

LINK_NAMESPACE = "messaging.link"
SIGNATURE_BYTES = 16
MAX_TOKEN_CHARACTERS = 6000
Sign = Callable[[bytes], bytes]
_HREF = re.compile(r"""(<a\b[^>]*?\bhref\s*=\s*)(["'])(https?://[^"']+)\2""", re.IGNORECASE)


class Link(msgspec.Struct, frozen=True, array_like=True):
    """What a token says: whose message, by which channel, what it does, and where a click goes."""

    workspace_id: int
    intent_id: UUID
    kind: Literal["unsubscribe", "click", "open"]
    channel: str
    url: str = ""


def write_token(link: Link, sign: Sign) -> str:
    """Return the link as a URL-safe text that only this workspace's key can have made."""
    payload = msgspec.msgpack.encode(link)
    return base64.urlsafe_b64encode(payload + sign(payload)[:SIGNATURE_BYTES]).decode().rstrip("=")


def split_token(token: str) -> tuple[Link, bytes, bytes] | None:
    """Return (claimed link, payload, signature) of a well-formed token; nothing of it is proven yet."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        payload, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
        return msgspec.msgpack.decode(payload, type=Link), payload, signature
    except (ValueError, msgspec.DecodeError):
        return None


def wrap_links(page: str, wrap: Callable[[str], str], spared: frozenset[str] = frozenset()) -> str:
    """Return HTML whose links go through `wrap`; those in `spared` (unsubscribe) stay as they are."""

    def replace(match: re.Match[str]) -> str:
        url = html.unescape(match[3])
        if url in spared:
            return match[0]
        return f"{match[1]}{match[2]}{html.escape(wrap(url))}{match[2]}"

    return _HREF.sub(replace, page)


def with_pixel(page: str, url: str) -> str:
    """Return HTML with an invisible image that tells when it is shown."""
    pixel = f'<img src="{html.escape(url)}" width="1" height="1" alt="">'
    head, separator, tail = page.rpartition("</body>")
    return f"{head}{pixel}{separator}{tail}" if separator else page + pixel
