"""Any system that posts JSON with a signature: a mapping says which of its values is what."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.identity.domain.calls import Refusal
from services.identity.domain.mapping import ImportMapping, map_row
from services.identity.domain.repair import is_pointer
from services.identity.domain.webhook import Callback, Heard, WebhookKind, WebhookSettings
from services.identity.domain.wechat_messages import held

MOST_ITEMS = 1_000
_SHORTEST_SECRET = 16
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class PointerRow(Mapping[str, Any]):
    """An object whose columns are JSON pointers (`/order/id`) or names of members; what is not there is None."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value

    def __getitem__(self, name: str) -> Any:
        return at_pointer(self._value, name if name.startswith("/") else "/" + name.replace("~", "~0"))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def __len__(self) -> int:
        return len(self._value)


def at_pointer(value: Any, pointer: str) -> Any:
    """Return what lies at a JSON pointer (RFC 6901), None where nothing does."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 7:
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def unfit(settings: WebhookSettings) -> list[tuple[str, str]]:
    """Return what is wrong with the settings, by field."""
    wrong = []
    if len(settings.secret) < _SHORTEST_SECRET:
        wrong.append(("secret", f"a secret has {_SHORTEST_SECRET} characters or more"))
    if settings.items and not is_pointer(settings.items):
        wrong.append(("items", "a place is a JSON pointer such as /events"))
    try:
        msgspec.convert(settings.mapping, ImportMapping)
    except msgspec.ValidationError as error:
        wrong.append(("mapping", str(error)))
    return wrong


def open_body(callback: Callback, settings: WebhookSettings) -> bytes | Refusal:
    """Return the body if its header holds the HMAC-SHA-256 (hex) of it under the secret."""
    told = callback.headers.get(settings.signature_header.lower(), "").removeprefix("sha256=").strip().lower()
    if not told:
        return Refusal("no_signature", f"header/{settings.signature_header}", "the callback lacks its signature")
    right = hmac.new(settings.secret.encode(), callback.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), told.encode()):
        return Refusal("bad_signature", f"header/{settings.signature_header}", "the signature is not that of the body")
    return callback.body


def read(raw: bytes, settings: WebhookSettings) -> Heard:
    """Return a call for each item that the mapping makes one of; the others one by one with their reason."""
    try:
        body = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Heard(bad=((Refusal("malformed_json", "", f"the body is not JSON: {error}"), held(raw)),))
    items = at_pointer(body, settings.items) if settings.items else body
    listed = items if isinstance(items, list) else [items]
    if len(listed) > MOST_ITEMS:
        return Heard(bad=((Refusal("too_many", settings.items, f"a body may hold {MOST_ITEMS} events"), held(raw)),))
    mapping = msgspec.convert(settings.mapping, ImportMapping)
    calls: list[dict[str, Any] | bytes] = []
    bad: list[tuple[Refusal, bytes]] = []
    for item in listed:
        if not isinstance(item, dict):
            refusal = Refusal("not_an_object", settings.items, "an event is a JSON object")
            bad.append((refusal, _encoder.encode({"unreadable": item})))
            continue
        mapped = map_row(item if mapping.is_whole else PointerRow(item), mapping)
        if isinstance(mapped, Refusal):
            bad.append((mapped, _encoder.encode(item)))
        else:
            calls.append(mapped)
    return Heard(calls=tuple(calls), bad=tuple(bad))


webhook = WebhookKind(
    name="json", unfit=unfit, open=open_body, read=read, answer=b'{"success":true}', media_type="application/json"
)
