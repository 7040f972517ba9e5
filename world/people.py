"""One human's life, the same for the same seed and number, whoever else is generated."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from world.happenings import Happening, Life, Name
from world.shape import (
    BEGIN,
    CRM,
    HOUSEHOLD,
    ISSUER,
    MINI_PROGRAMS,
    NEIGHBOURHOOD,
    OFFICIAL_ACCOUNTS,
    YEAR,
    Shape,
    platform_of,
)
from world.tokens import phone, token, uuid_text

FILLER = "13800138000"


@dataclass(slots=True)
class _Making:
    seed: int
    shape: Shape
    life: Life
    rng: random.Random
    member: str = ""
    phone: str = ""
    unionids: dict[tuple[int, str], str] = field(default_factory=dict)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def day(self, first: float = 0.0, last: float = 1.0) -> datetime:
        """Return some instant between two parts of the year, to the second."""
        return BEGIN + timedelta(seconds=int(YEAR.total_seconds() * self.rng.uniform(first, last)))

    def say(self, happening: Happening) -> None:
        self.life.happenings.append(happening)


def recycles(seed: int, number: int, shape: Shape) -> bool:
    """Return whether a human gets the telephone number that the one before him gave up."""
    if number % NEIGHBOURHOOD == 0 or recycles_raw(seed, number - 1, shape):
        return False
    return recycles_raw(seed, number, shape)


@lru_cache(maxsize=4 * NEIGHBOURHOOD)
def recycles_raw(seed: int, number: int, shape: Shape) -> bool:
    """Return the toss of the coin alone: nobody's new number is a recycled one twice over."""
    return random.Random(f"{seed}/recycled/{number}").random() < shape.recycled_phone


def life(seed: int, number: int, shape: Shape) -> Life:
    """Return the life of human `number`."""
    making = _Making(seed, shape, Life(number), random.Random(f"{seed}/{number}"))
    _numbers(making)
    _shop(making)
    if making.chance(shape.wechat):
        for account in range(2 if making.chance(shape.second_account) else 1):
            _wechat(making, account)
    if making.chance(shape.web):
        _web(making)
    if making.chance(shape.app):
        _app(making)
    if making.chance(shape.crm):
        _crm(making)
    _shared_things(making)
    return making.life


def _numbers(making: _Making) -> None:
    """Give him a telephone; one in a hundred takes over a number that was somebody else's in the year's first part."""
    number = making.life.number
    if not making.chance(making.shape.phone):
        return
    loses = (number + 1) % NEIGHBOURHOOD != 0 and recycles(making.seed, number + 1, making.shape)
    making.phone = phone(number)
    if recycles(making.seed, number, making.shape):
        making.phone = phone(number - 1)
        making.life.own(("phone", "", making.phone), BEGIN + YEAR * 0.6)
        return
    making.life.own(("phone", "", making.phone), BEGIN)
    if loses:
        making.life.lost_number = True


def _phone_days(making: _Making) -> tuple[float, float]:
    """Return in which part of the year his number is his."""
    if making.life.lost_number:
        return 0.0, 0.25
    return (0.6, 1.0) if recycles(making.seed, making.life.number, making.shape) else (0.0, 1.0)


def _shop(making: _Making) -> None:
    shape, number = making.shape, making.life.number
    if not making.chance(shape.member):
        return
    making.member = f"M{making.seed % 1000:03d}-{number:08d}"
    making.life.own(("user_id", ISSUER, making.member), BEGIN)
    making.say(Happening(making.day(), "store", "Order Completed", user=making.member))
    if making.phone:
        verified = making.chance(shape.member_phone_verified)
        at = making.day(*_phone_days(making))
        source = "store" if verified else "web"
        making.say(Happening(at, source, user=making.member, phone=making.phone, phone_proven=verified))
        if making.life.lost_number and making.chance(shape.number_after_loss):
            fresh = phone(number, generation=1)
            making.life.own(("phone", "", fresh), BEGIN + YEAR * 0.4)
            at = making.day(0.4)
            making.say(Happening(at, "store", user=making.member, phone=fresh, phone_proven=True))
    if making.chance(shape.email):
        email = f"u{number}.s{making.seed}@example.com"
        making.life.own(("email", "", email), BEGIN)
        making.say(Happening(making.day(), "web", user=making.member, email=email))
    if making.chance(shape.typed_wrong):
        neighbour = number + 1 if (number + 1) % NEIGHBOURHOOD else number - 1
        making.say(Happening(making.day(), "web", user=making.member, phone=phone(neighbour)))


def _wechat(making: _Making, account: int) -> None:
    shape, rng = making.shape, making.rng
    for app in rng.sample(OFFICIAL_ACCOUNTS, min(1 + int(rng.expovariate(0.6)), 8)):
        openid = _openid(making, app)
        followed = making.day(0.0, 0.8)
        if making.chance(shape.follow_tells_unionid):
            both = openid, _unionid(making, account, app)
            making.say(Happening(followed, "accounts", "Official Account Followed", external=both))
            continue
        making.say(Happening(followed, "accounts", "Official Account Followed", external=(openid,)))
        if making.chance(shape.unionid_told_later):
            both = openid, _unionid(making, account, app)
            making.say(Happening(followed + YEAR * rng.uniform(0.0, 0.2), "accounts", external=both))
    logs_in = rng.random()
    if logs_in < shape.mini_with_phone + shape.mini_without_phone:
        app = rng.choice(MINI_PROGRAMS)
        ids = [_openid(making, app), _unionid(making, account, app)]
        days = (0.0, 1.0)
        if logs_in < shape.mini_with_phone and making.phone:
            ids.append(("phone", "", making.phone))
            days = _phone_days(making)
        making.say(Happening(making.day(*days), "mini", "Mini Program Logged In", external=tuple(ids)))
        if making.chance(shape.changed_openid):
            _migrate(making, ids[0])


def _openid(making: _Making, app: str) -> Name:
    name = ("wx_openid", app, token(making.rng, "o", 28))
    making.life.own(name, BEGIN)
    return name


def _unionid(making: _Making, account: int, app: str) -> Name:
    platform = platform_of(app)
    value = making.unionids.get((account, platform))
    if value is None:
        value = making.unionids[account, platform] = token(making.rng, "oU", 28)
        making.life.own(("wx_unionid", platform, value), BEGIN)
    return "wx_unionid", platform, value


def _migrate(making: _Making, old: Name) -> None:
    """Move an app to another owner's account: its openids change, and changeopenid tells which became which."""
    new = _openid(making, old[1] + "-moved")
    at = making.day(0.85)
    making.say(Happening(at, "accounts", replaces=(old, new)))
    making.say(Happening(at + timedelta(days=3), "accounts", "Message Sent", external=(new,)))


def _web(making: _Making) -> None:
    for number in range(2 if making.chance(making.shape.second_browser) else 1):
        cookie = f"anon-{uuid_text(making.rng)}"
        making.life.own(("cookie", "", cookie), BEGIN)
        last = (0.0, 1.0) if number else (0.6, 1.0)
        making.say(Happening(making.day(*last), "web", "page", cookie=cookie))
        if making.member and making.chance(making.shape.browser_logged_in):
            making.say(Happening(making.day(*last), "web", user=making.member, cookie=cookie))


def _app(making: _Making) -> None:
    parts = ((0.0, 0.5), (0.5, 1.0)) if making.chance(making.shape.new_device) else ((0.0, 1.0),)
    for days in parts:
        device = uuid_text(making.rng).upper()
        making.life.own(("device", "", device.lower()), BEGIN)
        user = making.member if making.chance(0.9) else ""
        making.say(Happening(making.day(*days), "app", "Product Viewed", user=user, device=device))


def _crm(making: _Making) -> None:
    shape, number = making.shape, making.life.number
    customer = ("crm_id", CRM, f"C{making.seed % 1000:03d}{number:08d}")
    making.life.own(customer, BEGIN)
    at, written = making.day(*_phone_days(making)), making.phone.removeprefix("+86")
    style = making.rng.random()
    if style < shape.crm_masked and written:
        written = f"{written[:3]}****{written[7:]}"
    elif style < shape.crm_masked + shape.crm_filler:
        written = FILLER
    making.say(Happening(at, "crm", external=(customer,), proven=False, phone=written))


def _shared_things(making: _Making) -> None:
    """Tablets that pass between two of a household, an address a family uses together, a shop's kiosk."""
    if not making.member:
        return
    number, seed, shape = making.life.number, making.seed, making.shape
    neighbourhood, place = divmod(number, NEIGHBOURHOOD)
    home = f"{seed}/home/{neighbourhood}/{place // HOUSEHOLD}"
    house = random.Random(home)
    if house.random() < shape.family_email:
        email = f"family{neighbourhood}.{place // HOUSEHOLD}.s{seed}@example.com"
        making.life.own(("email", "", email), BEGIN, shared=True)
        making.say(Happening(making.day(), "web", user=making.member, email=email))
    if house.random() < shape.shared_tablet and place % HOUSEHOLD < 2:
        tablet = f"tablet-{uuid_text(house)}"
        at = making.day(0.55)
        making.life.own(("cookie", "", tablet), at)
        making.say(Happening(at, "web", user=making.member, cookie=tablet))
    if making.chance(shape.kiosk_visit):
        kiosk = f"kiosk-{seed}-{neighbourhood}"
        making.life.own(("cookie", "", kiosk), BEGIN, shared=True)
        making.say(Happening(making.day(), "web", "page", user=making.member, cookie=kiosk))
