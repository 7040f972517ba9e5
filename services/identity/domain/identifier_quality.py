"""How many of a source's identifiers name nobody, and when that is a reason to look."""

from collections.abc import Mapping
from typing import Any

import msgspec

ALERT_PERCENT = 20.0
ALERT_SETTING = "invalid_identifier_alert_percent"
FEWEST = 20
"""Below so many identifiers a share says nothing."""


class Quality(msgspec.Struct, frozen=True):
    """Identifiers of a source over some days; `alert`: more of them name nobody than its threshold allows."""

    valid: int
    invalid: int
    invalid_percent: float
    threshold_percent: float
    alert: bool


def threshold_of(settings: Mapping[str, Any]) -> float:
    """Return the percentage above which a source is to be looked at; its settings may name another."""
    told = settings.get(ALERT_SETTING)
    if isinstance(told, (int, float)) and not isinstance(told, bool) and 0 <= told <= 100:
        return float(told)
    return ALERT_PERCENT


def judge(valid: int, invalid: int, threshold_percent: float) -> Quality:
    """Return what the counts say."""
    total = valid + invalid
    percent = round(100 * invalid / total, 2) if total else 0.0
    return Quality(valid, invalid, percent, threshold_percent, total >= FEWEST and percent > threshold_percent)
