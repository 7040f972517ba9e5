"""Why a message was not sent: a closed list, so that counts by reason add up."""

from typing import Literal, get_args

Reason = Literal[
    "expired",
    "erased",
    "holdout",
    "consent",
    "topic",
    "no_address",
    "suppressed",
    "quiet",
    "duplicate",
    "priority",
    "cap",
    "content",
    "config",
    "unreachable",
    "profile_away",
    "address_bad",
    "unknown",
]
REASONS: tuple[str, ...] = get_args(Reason)

CHANNEL_REASONS = frozenset({"consent", "topic", "no_address", "suppressed", "address_bad"})
"""Reasons that speak about one channel only: the next one of the list may still be open."""
