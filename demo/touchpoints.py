"""The generated touchpoint layer: what each household used to meet the brand. Seeded; it knows the truth.

None of this is in the published data: cookies, app devices, official accounts with openids, mini-program logins with
unionid and phone are made up here, deterministically per household, so that recognising people has work to do.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from world.tokens import uuid_text

SEED = 2017
YEAR_START = datetime(2017, 1, 1, tzinfo=UTC)
YEAR_END = datetime(2018, 1, 1, tzinfo=UTC)
OFFICIAL_ACCOUNTS = ("wx0demo0account01", "wx0demo0account02", "wx0demo0account03", "wx0demo0account04")
MINI_PROGRAM = "wx0demo0minimall1"
OPEN_PLATFORM = "open-demo"
ISSUER = "main"

_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Identifier = tuple[str, str, str]
"""(namespace, scope, value)"""


@dataclass(frozen=True)
class Cookie:
    """A browser's anonymous id while it lived."""

    value: str
    born: datetime
    dies: datetime
    logged_in: bool


@dataclass
class Touchpoints:
    """One household's identifiers and when they show up; the truth is that they are all his."""

    household_id: int
    member: str
    email: str | None
    phone: str | None
    cookies: list[Cookie] = field(default_factory=list)
    device: str | None = None
    device_logged_in: bool = False
    unionid: str | None = None
    follows: list[tuple[datetime, str, str, bool]] = field(default_factory=list)
    """(when, appid, openid, whether the account tells the unionid)"""
    mini_openid: str | None = None
    mini_login: datetime | None = None
    typed_phone: str | None = None
    """Somebody else's number, typed by mistake into a web form."""
    borrowed_cookie: Cookie | None = None
    """A tablet shared with the household before; its owner logs in on it as well."""


def _token(rng: random.Random, first: str, length: int) -> str:
    return first + "".join(rng.choice(_URL_SAFE) for _ in range(length - len(first)))


def _phone(household_id: int) -> str:
    return f"+86139{10_000_000 + household_id * 37:08d}"


def _cookies(rng: random.Random) -> list[Cookie]:
    cookies = []
    born = YEAR_START + timedelta(days=rng.uniform(0, 60))
    while born < YEAR_END:
        dies = born + timedelta(days=rng.uniform(60, 240))
        cookies.append(Cookie(f"anon-{uuid_text(rng)}", born, dies, rng.random() < 0.8))
        born = dies
    return cookies


def generate(household_id: int) -> Touchpoints:
    """Return a household's touchpoints; the same number gives the same ones."""
    rng = random.Random(f"{SEED}:{household_id}")
    made = Touchpoints(
        household_id=household_id,
        member=f"M{household_id:06d}",
        email=f"household-{household_id}@example.com" if rng.random() < 0.85 else None,
        phone=_phone(household_id) if rng.random() < 0.9 else None,
    )
    if rng.random() < 0.7:
        made.cookies = _cookies(rng)
    if rng.random() < 0.5:
        made.device, made.device_logged_in = uuid_text(rng).upper(), rng.random() < 0.9
    if rng.random() < 0.6:
        made.unionid = _token(rng, "oU", 28)
        for account in rng.sample(OFFICIAL_ACCOUNTS, rng.randint(1, len(OFFICIAL_ACCOUNTS))):
            when = YEAR_START + timedelta(days=rng.uniform(0, 300))
            made.follows.append((when, account, _token(rng, "oA", 28), rng.random() < 0.5))
        if rng.random() < 0.6:
            made.mini_openid = _token(rng, "oM", 28)
            made.mini_login = YEAR_START + timedelta(days=rng.uniform(30, 340))
    if made.phone is not None and rng.random() < 0.01:
        made.typed_phone = _phone(household_id + 1)
    return made


def generate_world(household_ids: list[int]) -> dict[int, Touchpoints]:
    """Return every household's touchpoints; one in thirty uses the tablet of the household before."""
    world = {number: generate(number) for number in household_ids}
    for before, number in pairwise(household_ids):
        rng = random.Random(f"{SEED}:tablet:{number}")
        shared = [cookie for cookie in world[before].cookies if cookie.logged_in]
        if shared and rng.random() < 1 / 30:
            world[number].borrowed_cookie = rng.choice(shared)
    return world


def identifiers_of(touchpoints: Touchpoints) -> list[Identifier]:
    """Return the truth: every identifier of this human, as (namespace, scope, value)."""
    found: list[Identifier] = [("user_id", ISSUER, touchpoints.member)]
    if touchpoints.email:
        found.append(("email", "", touchpoints.email))
    if touchpoints.phone:
        found.append(("phone", "", touchpoints.phone))
    found += [("cookie", "", cookie.value) for cookie in touchpoints.cookies]
    if touchpoints.device:
        found.append(("idfv", "", touchpoints.device))
    if touchpoints.unionid:
        found.append(("wx_unionid", OPEN_PLATFORM, touchpoints.unionid))
    found += [("wx_openid", account, openid) for _, account, openid, _ in touchpoints.follows]
    if touchpoints.mini_openid:
        found.append(("wx_openid", MINI_PROGRAM, touchpoints.mini_openid))
    return found
