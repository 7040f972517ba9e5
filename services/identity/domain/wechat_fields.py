"""The fields of WeChat's messages in our words: envelope, properties, times and ids."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.identity.domain.bounded_xml import Fields
from services.identity.domain.calls import Refusal

ENVELOPE = frozenset(
    {
        "ToUserName", "FromUserName", "CreateTime", "TimeStamp", "MsgType", "Event", "InfoType", "MsgId", "MsgID",
        "SuiteId", "AuthCorpId", "Encrypt", "ExternalUserID", "OpenID", "SessionID",
    }
)  # fmt: skip
"""What says who, when and what of a message, and so is no property of the event."""

_RENAMED = {
    "Location_X": "latitude", "Location_Y": "longitude", "Label": "address", "addr": "address", "DeviceID": "device_id",
}  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LATEST = 4_102_444_800
"""2100 in seconds since 1970: times beyond it are slips of the sender."""


def text_of(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that holds text."""
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")


def properties_of(fields: Fields) -> dict[str, Any]:
    """Return everything but the envelope, under names in lower case with underscores; empty fields are left out."""
    told = {_name(name): _value(value) for name, value in fields.items() if name not in ENVELOPE}
    return {name: value for name, value in told.items() if value not in ("", {})}


def _name(name: str) -> str:
    return _RENAMED.get(name) or _CAMEL.sub("_", name).lower()


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {_name(name): _value(inner) for name, inner in value.items()}
    return [_value(inner) for inner in value] if isinstance(value, list) else value


def time_of(fields: Mapping[str, Any]) -> datetime | Refusal:
    """Return when a message was made, by WeChat's own clock (seconds since 1970)."""
    told = text_of(fields, "CreateTime", "TimeStamp")
    if not (told.isascii() and told.isdigit() and len(told) <= 10 and 0 < int(told) < _LATEST):
        return Refusal("bad_timestamp", "/CreateTime", "a message tells its time in seconds since 1970")
    return datetime.fromtimestamp(int(told), UTC)


def message_id(*parts: str) -> str:
    """Return the id under which a message that is sent again is known; it does not show the ids it is made of."""
    return "wx-" + hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def external(namespace: str, value: str, scope: str) -> dict[str, Any]:
    """Return an id that the platform itself vouches for."""
    return {"type": namespace, "id": value, "collection": scope, "encoding": "none", "verified": True}


def track(
    name: str, who: list[dict[str, Any]], properties: dict[str, Any], *, id_: str, at: datetime, platform: str
) -> dict[str, Any]:
    """Return the call of something a person did on a platform."""
    return {
        "type": "track",
        "event": name,
        "messageId": id_,
        "timestamp": at.isoformat(),
        "properties": properties,
        "context": {"platform": platform, "externalIds": who},
    }


def identify(
    who: list[dict[str, Any]], traits: dict[str, Any], *, id_: str, at: datetime, platform: str
) -> dict[str, Any]:
    """Return the call by which a platform says which ids are one person's."""
    return {
        "type": "identify",
        "messageId": id_,
        "timestamp": at.isoformat(),
        "traits": traits,
        "context": {"platform": platform, "externalIds": who},
    }
