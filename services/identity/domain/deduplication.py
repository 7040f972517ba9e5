"""By what an event is known for ever, and which of several copies with other content is the event."""

import hashlib
from uuid import UUID


def event_key(workspace_id: int, source_id: int, message_id: str) -> UUID:
    """Return the 16 bytes under which (workspace, source, message id) is known."""
    text = b"%d:%d:" % (workspace_id, source_id) + message_id.encode("utf-8", "surrogatepass")
    return UUID(bytes=hashlib.blake2b(text, digest_size=16).digest())


def copy_key(key: UUID, content_hash: UUID) -> UUID:
    """Return the 16 bytes under which a copy that is not the event is known, so that it too is taken once."""
    return UUID(bytes=hashlib.blake2b(key.bytes + content_hash.bytes, digest_size=16).digest())


def is_the_event(content_hash: UUID, other: UUID) -> bool:
    """Return whether the copy with `content_hash` is the event beside `other`, whichever came first."""
    return content_hash.int < other.int
