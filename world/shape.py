"""What the generated world is made of: apps, platforms, sources, and how likely each thing is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

BEGIN = datetime(2025, 7, 1, tzinfo=UTC)
END = datetime(2026, 7, 1, tzinfo=UTC)
"""The world's year; END is its present."""
YEAR = END - BEGIN

ISSUER = "main"
CRM = "crm"
PLATFORMS = ("open-brand", "open-group")
OFFICIAL_ACCOUNTS = tuple(f"wx0world0account{number:02d}" for number in range(20))
MINI_PROGRAMS = tuple(f"wx0world0program{number:02d}" for number in range(10))
SECOND_PLATFORM = frozenset({*OFFICIAL_ACCOUNTS[17:], *MINI_PROGRAMS[8:]})
"""Five of the thirty app ids belong to the second open platform: their unionids are others."""

NEIGHBOURHOOD = 500
"""Humans among whom numbers, tablets and kiosks pass; nothing links two neighbourhoods."""
HOUSEHOLD = 4
LATEST = timedelta(days=30)
"""No event arrives later than this."""

SOURCES: dict[str, dict[str, object]] = {
    "store": {"kind": "store", "trusted": True, "best_tier": 1, "priority": 10},
    "crm": {"kind": "crm", "trusted": True, "best_tier": 1, "priority": 20},
    "mini": {"kind": "mini_program", "trusted": True, "best_tier": 1, "priority": 30},
    "accounts": {"kind": "official_account", "trusted": True, "best_tier": 1, "priority": 40},
    "web": {"kind": "web", "priority": 50},
    "app": {"kind": "app", "priority": 60},
}
"""The touchpoints as sources of a workspace; browsers and apps can prove nothing, servers can."""


def platform_of(app: str) -> str:
    """Return the open platform of an app id."""
    return PLATFORMS[app in SECOND_PLATFORM]


@dataclass(frozen=True, slots=True)
class Shape:
    """Shares between 0 and 1: of humans, of the thing named before, or of events."""

    phone: float = 0.8
    member: float = 0.55
    member_phone_verified: float = 0.7
    email: float = 0.5
    family_email: float = 0.06
    """of households"""
    wechat: float = 0.75
    second_account: float = 0.08
    """of those with WeChat"""
    follow_tells_unionid: float = 0.5
    unionid_told_later: float = 0.85
    mini_with_phone: float = 0.45
    mini_without_phone: float = 0.3
    changed_openid: float = 0.01
    web: float = 0.6
    second_browser: float = 0.35
    browser_logged_in: float = 0.65
    app: float = 0.3
    new_device: float = 0.4
    crm: float = 0.4
    crm_masked: float = 0.2
    crm_filler: float = 0.05
    typed_wrong: float = 0.01
    recycled_phone: float = 0.01
    number_after_loss: float = 0.5
    shared_tablet: float = 0.03
    """of households"""
    kiosk_visit: float = 0.02
    skewed_clock: float = 0.02
    """of events of browsers and apps"""
    late: float = 0.08
    twice: float = 0.03


WORLD = Shape()
