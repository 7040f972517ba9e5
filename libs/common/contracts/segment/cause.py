"""Why a membership changed."""

from typing import Literal

Cause = Literal[
    "event", "time", "trait", "consent", "message", "edit", "merge", "split", "backfill", "manual", "reconcile"
]
