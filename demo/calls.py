"""Turns a household's year into Segment calls: what its touchpoints would have sent."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from demo.shopping import Basket, Household, Shopping
from demo.touchpoints import (
    ISSUER,
    MINI_PROGRAM,
    OPEN_PLATFORM,
    SEED,
    YEAR_END,
    YEAR_START,
    Cookie,
    Touchpoints,
)

MAX_EVENT_BYTES = 28 * 1024
"""Orders above it are split and rejoined by order_id; the collector's limit is 32 KiB an event."""
CURRENCY = "USD"


@dataclass(frozen=True)
class DemoCall:
    """One Segment call: when, from which source, and its body."""

    at: datetime
    source: str
    body: dict[str, Any]


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _call(kind: str, at: datetime, message_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "messageId": message_id, "timestamp": _iso(at), **fields}


def _external(namespace: str, scope: str, value: str) -> dict[str, str]:
    return {"id": value, "type": namespace, "collection": scope, "encoding": "none"}


def calls_of(household: Household, touchpoints: Touchpoints, shopping: Shopping) -> Iterator[DemoCall]:
    """Yield all calls of one household's year, in no particular order."""
    yield from _introductions(household, touchpoints)
    yield from _wechat(touchpoints)
    yield from _visits(touchpoints)
    for basket in household.baskets:
        yield from _order(basket, household, touchpoints, shopping)
    yield from _coupons(household, touchpoints, shopping)


def _introductions(household: Household, touchpoints: Touchpoints) -> Iterator[DemoCall]:
    number, member = household.household_id, touchpoints.member
    traits: dict[str, Any] = {**household.demographics, "household": number, "timezone": "America/New_York"}
    if touchpoints.email:
        traits["email"] = touchpoints.email
    if touchpoints.phone:
        traits |= {"phone": touchpoints.phone, "phone_verified": True}
    at = YEAR_START + timedelta(seconds=number)
    yield DemoCall(at, "crm", _call("identify", at, f"crm-{number}", userId=member, traits=traits))
    for index, cookie in enumerate(touchpoints.cookies):
        if cookie.logged_in and cookie.born < YEAR_END:
            when = cookie.born + timedelta(minutes=5)
            yield DemoCall(
                when,
                "web",
                _call("identify", when, f"login-{number}-{index}", userId=member, anonymousId=cookie.value, traits={}),
            )
    if touchpoints.borrowed_cookie:
        when = touchpoints.borrowed_cookie.born + timedelta(days=20)
        body = _call("identify", when, f"tablet-{number}", userId=member, anonymousId=touchpoints.borrowed_cookie.value)
        yield DemoCall(when, "web", body)
    if touchpoints.typed_phone:
        when = YEAR_START + timedelta(days=40, seconds=number)
        typed = {"phone": touchpoints.typed_phone}
        yield DemoCall(when, "web", _call("identify", when, f"typo-{number}", userId=member, traits=typed))


def _wechat(touchpoints: Touchpoints) -> Iterator[DemoCall]:
    number = touchpoints.household_id
    for index, (when, account, openid, tells_unionid) in enumerate(touchpoints.follows):
        ids = [_external("wx_openid", account, openid)]
        if tells_unionid and touchpoints.unionid:
            ids.append(_external("wx_unionid", OPEN_PLATFORM, touchpoints.unionid))
        body = _call(
            "track", when, f"follow-{number}-{index}", event="Official Account Followed",
            properties={"account": account, "scene": "qr"}, context={"externalIds": ids},
        )  # fmt: skip
        yield DemoCall(when, "accounts", body)
    if touchpoints.mini_login and touchpoints.mini_openid and touchpoints.unionid:
        ids = [
            _external("wx_openid", MINI_PROGRAM, touchpoints.mini_openid),
            _external("wx_unionid", OPEN_PLATFORM, touchpoints.unionid),
        ]
        if touchpoints.phone:
            ids.append(_external("phone", "", touchpoints.phone))
        body = _call(
            "track", touchpoints.mini_login, f"mini-login-{number}", event="Mini Program Logged In",
            properties={"mini_program": MINI_PROGRAM}, context={"externalIds": ids},
        )  # fmt: skip
        yield DemoCall(touchpoints.mini_login, "mini", body)


def _visits(touchpoints: Touchpoints) -> Iterator[DemoCall]:
    number = touchpoints.household_id
    rng = random.Random(f"{SEED}:visits:{number}")
    for index, cookie in enumerate(touchpoints.cookies):
        for visit in range(rng.randint(1, 6)):
            at = cookie.born + (min(cookie.dies, YEAR_END) - cookie.born) * rng.random()
            body = _call(
                "page", at, f"page-{number}-{index}-{visit}", anonymousId=cookie.value, name="Home",
                properties={"path": "/", "campaign": rng.choice(["mail", "search", "direct"])},
            )  # fmt: skip
            yield DemoCall(at, "web", body)


def _living(cookies: list[Cookie], at: datetime) -> Cookie | None:
    return next((cookie for cookie in cookies if cookie.born <= at < cookie.dies), None)


def _who(basket: Basket, touchpoints: Touchpoints, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """Return the source and the identifiers an order comes with: till, web shop, app or mini-program."""
    choices = ["store"] * 5
    cookie = _living(touchpoints.cookies, basket.at)
    if cookie is not None and cookie.logged_in:
        choices += ["web"] * 3
    if touchpoints.device:
        choices += ["app"] * 2
    if touchpoints.mini_login and touchpoints.mini_login < basket.at:
        choices += ["mini"] * 2
    source = rng.choice(choices)
    if source == "web" and cookie is not None:
        known = {"userId": touchpoints.member} if rng.random() < 0.7 else {}
        return source, {"anonymousId": cookie.value, **known}
    if source == "app":
        ids = {"context": {"device": {"id": touchpoints.device, "type": "ios"}}}
        known = {"userId": touchpoints.member} if touchpoints.device_logged_in else {}
        anonymous = {} if known else {"anonymousId": f"app-{touchpoints.device}"}
        return source, {**ids, **known, **anonymous}
    if source == "mini":
        mini = [_external("wx_openid", MINI_PROGRAM, touchpoints.mini_openid or "")]
        return source, {"context": {"externalIds": mini}}
    return "store", {"userId": touchpoints.member}


def _order(basket: Basket, household: Household, touchpoints: Touchpoints, shopping: Shopping) -> Iterator[DemoCall]:
    rng = random.Random(f"{SEED}:basket:{basket.basket_id}:{household.household_id}")
    source, who = _who(basket, touchpoints, rng)
    products = []
    for line in basket.lines:
        department, category, brand = shopping.products.get(line.product_id, ("", "", ""))
        products.append(
            {
                "product_id": str(line.product_id),
                "department": department,
                "category": category,
                "brand": brand,
                "quantity": line.quantity,
                "sales_value": line.sales_value,
                "discount": round(line.retail_discount + line.coupon_discount, 2),
            }
        )
    parts = list(_split(products))
    order_id = f"{household.household_id}-{basket.basket_id}"
    for number, part in enumerate(parts, 1):
        properties = {
            "order_id": order_id,
            "store_id": str(basket.store_id),
            "total": basket.total,
            "currency": CURRENCY,
            "lines": len(basket.lines),
            "products": part,
            "part": number,
            "parts": len(parts),
        }
        name = "Order Completed" if number == 1 else "Order Continued"
        body = _call("track", basket.at, f"order-{order_id}-{number}", event=name, properties=properties, **who)
        yield DemoCall(basket.at, source, body)


def _split(products: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    size = 0
    for product in products:
        length = len(msgspec.json.encode(product)) + 1
        if part and size + length > MAX_EVENT_BYTES - 2048:
            yield part
            part, size = [], 0
        part.append(product)
        size += length
    yield part


def _coupons(household: Household, touchpoints: Touchpoints, shopping: Shopping) -> Iterator[DemoCall]:
    number = household.household_id
    for campaign_id in household.campaigns:
        campaign = shopping.campaigns[campaign_id]
        if not YEAR_START <= campaign.start < YEAR_END:
            continue
        at = campaign.start + timedelta(hours=9, seconds=number)
        properties = {
            "campaign_id": str(campaign_id),
            "kind": campaign.kind,
            "expires_at": _iso(campaign.end),
        }
        yield DemoCall(
            at,
            "crm",
            _call(
                "track", at, f"campaign-{campaign_id}-{number}", event="Coupon Received", userId=touchpoints.member,
                properties=properties,
            ),
        )  # fmt: skip
    for index, (day, upc, campaign_id) in enumerate(household.redemptions):
        at = day + timedelta(hours=18, seconds=index)
        yield DemoCall(
            at,
            "store",
            _call(
                "track", at, f"redeemed-{number}-{index}", event="Coupon Redeemed", userId=touchpoints.member,
                properties={"coupon_upc": str(upc), "campaign_id": str(campaign_id)},
            ),
        )  # fmt: skip


def linked_by_evidence(touchpoints: Touchpoints) -> set[str]:
    """Return the values whose connection to the member was ever said by an event: what could be recognised at all."""
    said = {touchpoints.member, touchpoints.email or "", touchpoints.phone or ""} - {""}
    said |= {cookie.value for cookie in touchpoints.cookies if cookie.logged_in and cookie.born < YEAR_END}
    if touchpoints.device and touchpoints.device_logged_in:
        said.add(touchpoints.device)
    bridged = bool(touchpoints.mini_login and touchpoints.phone and touchpoints.unionid)
    if bridged and touchpoints.unionid and touchpoints.mini_openid:
        said |= {touchpoints.unionid, touchpoints.mini_openid}
        said |= {openid for _, _, openid, tells in touchpoints.follows if tells}
    return said


__all__ = ["CURRENCY", "ISSUER", "DemoCall", "calls_of", "linked_by_evidence"]
