"""What one posted call says, or why it cannot be taken."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

import msgspec

from libs.common.contracts.identity.event_recorded import CallKind
from services.identity.domain.limits import DEPTH, EVENT_BYTES, MESSAGE_ID_CHARACTERS, NAME_CHARACTERS
from services.identity.domain.timestamps import read_time

KINDS: frozenset[str] = frozenset({"track", "identify", "page", "screen", "group", "alias"})
RESERVED = "$"
"""How the names of what the system itself says of persons begin: messages, journeys, calls that have no name."""
_TRANSPORT = frozenset({"sentAt", "writeKey", "_metadata"})
"""What changes from one attempt to send an event to the next, and so is no part of it."""
_SCALARS = ("userId", "anonymousId", "previousId", "groupId", "messageId")
_OBJECTS = ("properties", "traits", "context")
_TIMES = ("timestamp", "originalTimestamp", "sentAt")
_NO_SCALARS = frozenset({dict, list, bool})
_CONTACTS = ("email", "phone")

_decoder = msgspec.json.Decoder()
_canonical = msgspec.json.Encoder(order="sorted")


class Refusal(NamedTuple):
    """Why a call cannot be taken: a word for programs, where in the call, and a sentence."""

    reason: str
    pointer: str
    detail: str


class Call(NamedTuple):
    """A call that can be taken. `payload` is the JSON as it came, without the key it came with."""

    kind: CallKind
    name: str
    message_id: str | None
    original_time: datetime | None
    sent_at: datetime | None
    payload: bytes
    content_hash: bytes
    body: dict[str, Any]


def read_call(
    raw: bytes | memoryview, kind: str | None = None, shared: dict[str, Any] | None = None, *, personless: bool = False
) -> Call | Refusal:
    """Return the call in `raw` JSON; `kind` is the endpoint's (None: its own `type`), `shared` the batch's context.

    `personless` admits a call that names nobody: in imports, where the mapping says so.
    """
    payload = bytes(raw)
    body = _too_large(payload) or decode_object(payload)
    if isinstance(body, Refusal):
        return body
    if shared:
        body = with_shared(body, shared)
        payload = msgspec.json.encode(body)
        if refusal := _too_large(payload):
            return refusal
    return _checked(body, payload, kind, personless)


def _too_large(payload: bytes) -> Refusal | None:
    if len(payload) <= EVENT_BYTES:
        return None
    return Refusal("event_too_large", "", f"an event may have {EVENT_BYTES} bytes, this one has {len(payload)}")


def decode_object(raw: bytes) -> dict[str, Any] | Refusal:
    """Return the JSON object in `raw`, checked for what no store could keep."""
    try:
        body = _decoder.decode(raw)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError) as error:
        return _unreadable(error)
    if not isinstance(body, dict):
        return Refusal("not_an_object", "", "an event is a JSON object")
    return unstorable(raw, body) or body


def _unreadable(error: Exception) -> Refusal:
    if isinstance(error, RecursionError):
        return Refusal("too_deep", "", f"objects and lists may lie {DEPTH} deep")
    if isinstance(error, UnicodeDecodeError):
        return Refusal("malformed_json", "", "the text is not UTF-8")
    reason = "number_out_of_range" if isinstance(error, msgspec.ValidationError) else "malformed_json"
    return Refusal(reason, "", str(error))


def unstorable(text: bytes, body: dict[str, Any]) -> Refusal | None:
    """Return what in `body`, whose JSON is (in) `text`, no store could keep: what lies too deep, a NUL character."""
    if refusal := too_deep(text, body):
        return refusal
    if b"\\u0000" in text and (pointer := _nul(body)) is not None:
        return Refusal("nul_character", pointer, "a NUL character cannot be stored")
    return None


def too_deep(text: bytes, body: dict[str, Any]) -> Refusal | None:
    """Return where `body`, whose JSON is (in) `text`, goes deeper than whoever walks through it can follow."""
    # Counting bytes spares nearly every event the walk.
    if text.count(b"{") + text.count(b"[") > DEPTH and (pointer := _deeper_than(body, DEPTH)) is not None:
        return Refusal("too_deep", pointer, f"objects and lists may lie {DEPTH} deep")
    return None


def with_shared(body: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return a call with what its batch says of all; its own word counts where both say something."""
    merged = dict(body)
    for name, value in shared.items():
        own = body.get(name)
        if own is None:
            merged[name] = value
        elif isinstance(own, dict) and isinstance(value, dict):
            merged[name] = {**value, **own}
    return merged


def _checked(body: dict[str, Any], payload: bytes, kind: str | None, personless: bool) -> Call | Refusal:
    told = kind or body.get("type")
    word = told.lower() if isinstance(told, str) else ""
    if word not in KINDS:
        return Refusal("unknown_type", "/type", f"type is one of {', '.join(sorted(KINDS))}")
    times = _times(body)
    if isinstance(times, Refusal):
        return times
    refusal = _wrong_shape(body) or _incomplete(body, word, personless)
    if refusal is not None:
        return refusal
    if "writeKey" in body:
        body = {name: value for name, value in body.items() if name != "writeKey"}
        payload = msgspec.json.encode(body)
    return Call(
        cast("CallKind", word),
        body["event"] if word == "track" else f"${word}",
        scalar_text(body.get("messageId")),
        times.get("originalTimestamp") or times.get("timestamp"),
        times.get("sentAt"),
        payload,
        content_hash(body, word),
        body,
    )


def _times(body: dict[str, Any]) -> dict[str, datetime] | Refusal:
    times: dict[str, datetime] = {}
    for name in _TIMES:
        value = body.get(name)
        if value is None or value == "":
            continue
        moment = read_time(value)
        if moment is None:
            return Refusal("bad_timestamp", f"/{name}", f"{name} is an ISO 8601 time since 1970")
        times[name] = moment
    return times


def _wrong_shape(body: dict[str, Any]) -> Refusal | None:
    for name in _SCALARS:
        if type(body.get(name)) in _NO_SCALARS:
            return Refusal("wrong_type", f"/{name}", f"{name} is text or a number")
    for name in _OBJECTS:
        value = body.get(name)
        # PHP writes an empty object as an empty list.
        if value is not None and type(value) is not dict and value != []:
            return Refusal("wrong_type", f"/{name}", f"{name} is an object")
    message_id = scalar_text(body.get("messageId"))
    if message_id is not None and len(message_id) > MESSAGE_ID_CHARACTERS:
        return Refusal("message_id_too_long", "/messageId", f"messageId may have {MESSAGE_ID_CHARACTERS} characters")
    return None


def _incomplete(body: dict[str, Any], kind: str, personless: bool) -> Refusal | None:
    if kind == "track":
        refusal = _misnamed(body.get("event"))
        if refusal is not None:
            return refusal
    elif kind == "group" and scalar_text(body.get("groupId")) is None:
        return Refusal("no_group_id", "/groupId", "a group call names its groupId")
    elif kind == "alias" and scalar_text(body.get("previousId")) is None:
        return Refusal("no_previous_id", "/previousId", "an alias call names its previousId")
    if not personless and not is_identified(body):
        return Refusal("no_identifier", "/userId", "send userId or anonymousId, or another identifier")
    return None


def _misnamed(name: object) -> Refusal | None:
    if not isinstance(name, str):
        return Refusal("no_event_name" if name is None else "wrong_type", "/event", "event is the name of the event")
    if not name.strip() or len(name) > NAME_CHARACTERS:
        return Refusal("bad_event_name", "/event", f"event has 1 to {NAME_CHARACTERS} characters")
    if name.startswith(RESERVED):
        # a browser's key is public: whoever reads it could say that a message was opened
        return Refusal("reserved_event_name", "/event", f"names that begin with {RESERVED} are ours; choose another")
    return None


def is_identified(body: dict[str, Any]) -> bool:
    """Return whether a call names anybody at all, valid or not."""
    if scalar_text(body.get("userId")) is not None or scalar_text(body.get("anonymousId")) is not None:
        return True
    if scalar_text(body.get("previousId")) is not None:
        return True
    context = mapping(body.get("context"))
    device = context.get("device")
    if isinstance(device, dict) and scalar_text(device.get("id")) is not None:
        return True
    if any(isinstance(entry, dict) and entry.get("id") is not None for entry in listed(context.get("externalIds"))):
        return True
    told = (body.get("traits"), context.get("traits"))
    return any(isinstance(traits, dict) and scalar_text(traits.get(name)) for traits in told for name in _CONTACTS)


def scalar_text(value: object) -> str | None:
    """Return a text or number as text, None when it is absent, blank or neither."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def mapping(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def content_hash(body: dict[str, Any], kind: str) -> bytes:
    """Return 16 bytes that are equal for equal content: order of keys, spelling and transport fields do not count."""
    content = body
    if body.get("type") != kind or not _TRANSPORT.isdisjoint(body):
        content = {name: value for name, value in body.items() if name not in _TRANSPORT}
        content["type"] = kind
    return hashlib.blake2b(_canonical.encode(content), digest_size=16).digest()


def _deeper_than(value: object, left: int, pointer: str = "") -> str | None:
    if not isinstance(value, (dict, list)):
        return None
    if left == 0:
        return pointer
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        found = _deeper_than(member, left - 1, f"{pointer}/{escaped(name)}")
        if found is not None:
            return found
    return None


def _nul(value: object, pointer: str = "") -> str | None:
    if isinstance(value, str):
        return pointer if "\0" in value else None
    if isinstance(value, dict):
        if any("\0" in name for name in value):
            return pointer
        members: Any = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    else:
        return None
    return next(
        (found for name, member in members if (found := _nul(member, f"{pointer}/{escaped(name)}")) is not None), None
    )


def escaped(name: object) -> str:
    """Return a name as a part of a JSON pointer (RFC 6901) that can be stored."""
    return str(name).replace("~", "~0").replace("/", "~1").replace("\0", "\ufffd")


AHEAD = timedelta(minutes=5)


def event_time(call: Call, received_at: datetime, *, sent_at: datetime | None, correct: bool) -> datetime:
    """Return when the event happened by our clock.

    A device's clock is measured by its own `sentAt` against the arrival; a clock ahead is clamped to five minutes.
    """
    told = call.original_time
    if told is None:
        return received_at
    sent = sent_at or call.sent_at
    if correct and sent is not None:
        try:
            told = received_at - (sent - told)
        except OverflowError:
            told = received_at
        told = max(told, datetime(1970, 1, 1, tzinfo=UTC))
    return min(told, received_at + AHEAD)
