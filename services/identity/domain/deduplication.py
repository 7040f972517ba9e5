"""By what an event is known for ever, and which of several copies with other content is the event."""

import hashlib


def event_key(workspace_id: int, source_id: int, message_id: str) -> bytes:
    """Return the 16 bytes under which (workspace, source, message id) is known."""
    text = b"%d:%d:" % (workspace_id, source_id) + message_id.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def copy_key(key: bytes, content_hash: bytes) -> bytes:
    """Return the 16 bytes under which a copy that is not the event is known, so that it too is taken once."""
    return hashlib.blake2b(key + content_hash, digest_size=16).digest()


def is_the_event(content_hash: bytes, other: bytes) -> bool:
    """Return whether the copy with `content_hash` is the event beside `other`, whichever came first."""
    return content_hash < other
