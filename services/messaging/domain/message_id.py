"""The Message-ID of a mail: made from the intent, so that every attempt carries the same one."""

import re
from uuid import UUID

_FORM = re.compile(r"^<?([0-9a-f]{32})\.([a-z0-9_-]{1,40})@[^>\s]+>?$")


def message_id(intent_id: UUID, channel: str, domain: str) -> str:
    """Return the id under which a provider knows this intent on this channel."""
    return f"<{intent_id.hex}.{channel}@{domain}>"


def intent_of(text: str) -> tuple[UUID, str] | None:
    """Return (intent id, channel) of one of our Message-IDs, None for another's."""
    match = _FORM.match(text.strip().lower())
    return (UUID(hex=match[1]), match[2]) if match else None
