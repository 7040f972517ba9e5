"""What the demo's brand runs: twelve segments, three journeys, their templates."""

from typing import Any

ORDERED = "Order Completed"


def _did(event: str, op: str, n: int, last: str | None = None) -> dict[str, Any]:
    condition: dict[str, Any] = {"did": event, "count": {"op": op, "n": n}}
    if last:
        condition["window"] = {"last": last}
    return condition


SEGMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "known": ("Members: we know the household", {"trait": "household", "op": "exists"}),
    "bought-30": ("Bought in the last 30 days", _did(ORDERED, "gte", 1, "30 days")),
    "one-timers": ("Bought exactly once", _did(ORDERED, "equals", 1)),
    "repeat": ("Bought at least twice", _did(ORDERED, "gte", 2)),
    "frequent": ("At least 8 orders in 30 days", _did(ORDERED, "gte", 8, "30 days")),
    "silent-60": (
        "Bought before, silent for 60 days",
        {"all": [_did(ORDERED, "gte", 1), {"none": [_did(ORDERED, "gte", 1, "60 days")]}]},
    ),
    "coupon-users": ("Redeemed a coupon", _did("Coupon Redeemed", "gte", 1)),
    "coupon-idle": (
        "Got a coupon within 30 days, redeemed none",
        {
            "all": [
                _did("Coupon Received", "gte", 1, "30 days"),
                {"none": [_did("Coupon Redeemed", "gte", 1, "30 days")]},
            ]
        },
    ),
    "fans": ("Follow an official account", _did("Official Account Followed", "gte", 1)),
    "fans-not-members": (
        "Fans who are not members yet",
        {"all": [_did("Official Account Followed", "gte", 1), {"trait": "household", "op": "missing"}]},
    ),
    "mini-program": ("Use the mini-program", _did("Mini Program Logged In", "gte", 1)),
    "senior-owners": (
        "Home owners of 65 and more",
        {
            "all": [
                {"trait": "age", "op": "equals", "value": "65+"},
                {"trait": "home_ownership", "op": "equals", "value": "Homeowner"},
            ]
        },
    ),
}
"""key -> (what it says, definition)"""

TEMPLATES: dict[str, dict[str, Any]] = {
    "second-purchase": {
        "subject": {"en": "Your next basket", "zh": "您的下一篮"},
        "text": {
            "en": "Thank you for your first order. Here is what goes well with it. {{ unsubscribe_url }}",
            "zh": "感谢您的首单，这些商品与之相配。{{ unsubscribe_url }}",
        },
    },
    "win-back": {
        "subject": {"en": "We miss you", "zh": "好久不见"},
        "text": {
            "en": "It has been a while. Your favourites are waiting. {{ unsubscribe_url }}",
            "zh": "好久不见，您喜欢的商品在等您。{{ unsubscribe_url }}",
        },
    },
    "coupon-expiry": {
        "subject": {"en": "Your coupon ends soon", "zh": "您的优惠券即将到期"},
        "text": {
            "en": "Three days left for your coupon of campaign {{ event.campaign_id }}. {{ unsubscribe_url }}",
            "zh": "您的优惠券（活动 {{ event.campaign_id }}）还有三天到期。{{ unsubscribe_url }}",
        },
    },
}


def _send(node: str, template: str, channel: str) -> dict[str, Any]:
    return {"id": node, "type": "send", "channel": channel, "template_key": template, "purpose": "marketing"}


def journeys(segment_ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the three live journeys; segments are named by their ids."""
    return {
        "second-purchase": {
            "entry": {"on": "event", "event": ORDERED},
            "re_entry": "never",
            "goal": {"event": ORDERED, "window": "P30D"},
            "nodes": [
                {
                    "id": "wait-for-second",
                    "type": "wait_for",
                    "events": [{"event": ORDERED, "to": "bought"}],
                    "timeout": "P7D",
                    "timeout_to": "mail",
                },
                {"id": "bought", "type": "exit", "next": None},
                _send("mail", "second-purchase", "email"),
            ],
        },
        "win-back": {
            "entry": {"on": "segment_entered", "segment": segment_ids["silent-60"]},
            "re_entry": {"after": "P90D"},
            "control": {"percent": 30},
            "goal": {"event": ORDERED, "window": "P14D"},
            "exit_rules": [{"event": ORDERED}],
            "nodes": [_send("mail", "win-back", "email"), _send("inbox", "win-back", "inbox")],
        },
        "coupon-expiry": {
            "entry": {"on": "event", "event": "Coupon Received"},
            "entry_key": ["person", "campaign_id"],
            "re_entry": "never",
            "exit_rules": [{"event": "Coupon Redeemed", "filter": [{"path": "campaign_id", "same": "campaign_id"}]}],
            "nodes": [
                {
                    "id": "until-three-days-before",
                    "type": "wait",
                    "until": {"kind": "property", "name": "expires_at", "offset": "-P3D"},
                },
                _send("remind", "coupon-expiry", "inbox"),
                _send("mail", "coupon-expiry", "email"),
            ],
        },
    }
