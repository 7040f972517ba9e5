"""Facts of a person that are kept like his traits, one row a name, and are none: consents, channels, tags."""

from typing import Literal

from services.segment.domain.values import NAME_STEP, name_key

ANONYMITY = "person:anonymous"
"""What a touch concerns because a person got his first identifier that names him, or lost the last."""

KNOWN_SINCE = "person:known_since"
"""What a touch concerns because a person is known for longer than was thought; somebody was told of late."""

FactKind = Literal["trait", "consent", "reachable", "tag"]


def row_name(kind: FactKind, key: str) -> str:
    """Return the name its row lies under: of a trait its own; others begin with NUL, as no trait can."""
    return key if kind == "trait" else f"\x00{kind}{NAME_STEP}{key}"


def concern(kind: FactKind, key: str) -> str:
    """Return what a touch because of it concerns."""
    return f"{kind}:{key}"


def consent_key(purpose: str, channel: str, topic: str) -> str:
    """Return the key of a scope of consent."""
    return name_key((purpose, channel, topic))
