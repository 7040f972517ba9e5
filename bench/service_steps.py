"""What a random history does to the identity service: steps drawn from a seed, as plain values that can be left out."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAYS = (1, 9, 30, 61)
"""By how many days a clock goes on at once."""
SOURCES = ("web", "server", "shop")
APPS = ("wx-app-1", "wx-app-2", "wx-app-3")

Step = tuple[str, Any]
"""A verb and what it is given."""
Given = dict[str, str]
"""An identifier as callers name it."""


def _wechat(kind: str, number: int) -> str:
    return f"o{kind}{number}".ljust(28, "abcdefghijklmnopqrstuvwxyz"[number])


VALUES: dict[str, list[tuple[str, str]]] = {
    "user_id": [*(("main", f"member-{one}") for one in range(3)), ("shop", "member-0"), ("shop", "member-1")],
    "crm_id": [("crm", "C-71"), ("crm", "C-72")],
    "cookie": [("", f"cookie-{one}-7f3a") for one in range(3)],
    "device": [("", f"6f1b2c3d-0000-4000-8000-00000000ab{one}c") for one in range(2)],
    "phone": [("", f"+86139123400{one}") for one in ("01", "02", "13")],
    "phone_sha256": [("", sha256(b"+8613912340001").hexdigest())],
    "email": [("", "mei.li@gmail.com"), ("", "meili+news@gmail.com"), ("", "chen@shop.cn")],
    "wx_openid": [(app, _wechat("pen", one)) for app in APPS for one in range(2)],
    "wx_unionid": [("platform-1", _wechat("union", one)) for one in range(2)],
}
"""Few values of every kind, so that they collide: scope and value."""
ACCOUNTS = ("user_id", "crm_id", "wx_openid", "wx_unionid")
CONTACTS = ("phone", "email")
LIMITS = (None, 1, 2, 5)


@dataclass
class Drawing:
    """Steps as the seed draws them; what was said before may be said again, as it was or changed."""

    chance: random.Random
    calls: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    def rounds(self, number: int) -> list[list[Step]]:
        """Return rounds of 1 to 9 steps each, which are taken at once."""
        drawn = [[self.step() for _ in range(self.chance.choice((1, 3, 6, 9)))] for _ in range(number)]
        return [[("batch", self.batch()), ("batch", self.batch())], *drawn]

    def step(self) -> Step:
        """Return one step."""
        verb = self.chance.choices(list(VERBS), [weight for weight, _ in VERBS.values()])[0]
        return verb, VERBS[verb][1](self)

    def identifier(self, *among: str) -> Given:
        """Return an identifier of one of these namespaces, or of any."""
        namespace = self.chance.choice(among or tuple(VALUES))
        scope, value = self.chance.choice(VALUES[namespace])
        return {"namespace": namespace, "scope": scope, "value": value}

    def pair(self, *among: str) -> list[Given]:
        """Return two different identifiers."""
        one = other = self.identifier(*among)
        while other == one:
            other = self.identifier(*among)
        return [one, other]

    def time(self) -> str:
        """Return an event time, up to 200 days before the first day and 40 after it: in no order."""
        days = self.chance.choice((-200, -90, -31, -8, -1, 0, 0, 0, 3, 40))
        return (START + timedelta(days=days, minutes=self.chance.randrange(1440))).isoformat()

    def batch(self) -> dict[str, Any]:
        """Return a source and 1 to 6 calls of it, of which some were posted before."""
        made = [self.call() for _ in range(self.chance.randrange(1, 7))]
        if self.calls and self.chance.random() < 0.3:
            again = dict(self.chance.choice(self.calls))
            if self.chance.random() < 0.4:
                again |= {"userId": self.identifier("user_id")["value"]}
            made.append(again)
        self.calls += made
        return {"source": self.chance.choice(SOURCES), "calls": made}

    def call(self) -> dict[str, Any]:
        """Return a Segment call about a few identifiers."""
        chance = self.chance
        kind = chance.choice(("identify", "identify", "track", "track", "page", "alias"))
        call: dict[str, Any] = {
            "type": kind, "messageId": f"message-{chance.randrange(10**9)}", "timestamp": self.time(),
            "anonymousId": self.identifier("cookie")["value"],
        }  # fmt: skip
        if kind == "alias":
            return call | {"previousId": self.identifier("cookie")["value"]} | self.user(0.7)
        call |= self.user(0.6)
        if kind == "track":
            call["event"] = chance.choice(("Order Completed", "Product Viewed", "Signed Out"))
        named: dict[str, Any] = {name: self.identifier(name)["value"] for name in CONTACTS if chance.random() < 0.3}
        if named and chance.random() < 0.5:
            named["verified"] = True
        context: dict[str, Any] = {"externalIds": self.external()}
        if chance.random() < 0.25:
            context["device"] = {"id": self.identifier("device")["value"]}
        return call | {"traits" if kind == "identify" else "context": named, "context": context | {"traits": named}}

    def user(self, likely: float) -> dict[str, str]:
        """Return whose call it is, where somebody logged in."""
        return {"userId": self.identifier("user_id")["value"]} if self.chance.random() < likely else {}

    def external(self) -> list[dict[str, Any]]:
        """Return identifiers of other systems that a call names."""
        found = [self.identifier("wx_openid", "wx_unionid", "crm_id") for _ in range(self.chance.choice((0, 0, 1, 2)))]
        return [
            {"type": one["namespace"], "collection": one["scope"], "id": one["value"],
             "verified": self.chance.random() < 0.5}
            for one in found
        ]  # fmt: skip

    def evidence(self) -> list[dict[str, Any]]:
        """Return 1 to 4 facts, each with an id of its own or with that of one that was told before."""
        facts = [self.fact() for _ in range(self.chance.randrange(1, 5))]
        if self.items and self.chance.random() < 0.3:
            facts.append(self.chance.choice(self.items))
        self.items += facts
        return facts

    def fact(self) -> dict[str, Any]:
        """Return a fact of any kind."""
        kind = self.chance.choice(
            ("must_link", "must_link", "cannot_link", "cannot_link", "retract", "unbind", "supersede", "bind", "login",
             "infer")
        )  # fmt: skip
        among = ACCOUNTS if kind == "must_link" and self.chance.random() < 0.5 else ()
        pair = self.pair(self.chance.choice(ACCOUNTS)) if kind == "supersede" else self.pair(*among)
        tier = 0 if kind in {"must_link", "cannot_link", "supersede"} else self.chance.choice((1, 1, 2, 3))
        return {
            "id": f"fact-{self.chance.randrange(10**9)}", "kind": kind, "tier": 4 if kind == "infer" else tier,
            "time": self.time(), "identifiers": pair,
        }  # fmt: skip

    def policies(self) -> dict[str, Any]:
        """Return policies: the defaults, or others in limits, windows, thresholds, strength and safeguards."""
        chance = self.chance
        if chance.random() < 0.3:
            return {"namespaces": {}}
        names = chance.sample(("user_id", "cookie", "device", "phone", "email", "wx_openid", "wx_unionid"), 3)
        safeguards = {
            "largest_person": chance.choice((None, 3, 6, 200)), "joins_per_minute": chance.choice((None, 1, 50)),
            "merges_per_minute": chance.choice((None, None, 1)), "dormant_days": chance.choice((None, 20, 365)),
        }  # fmt: skip
        linking = "opt_in" if chance.random() < 0.1 else "opt_out"
        return {
            "namespaces": {one: self.policy(one) for one in names}, "safeguards": safeguards, "linking": linking,
        }  # fmt: skip

    def policy(self, namespace: str) -> dict[str, Any]:
        """Return the policy of one namespace."""
        chance, visits = self.chance, namespace in {"cookie", "device"}
        policy: dict[str, Any] = {
            "priority": chance.randrange(1, 9), "max_per_person": chance.choice(LIMITS),
            "cap_per": chance.choice(("namespace", "scope")), "window_days": chance.choice((None, 20, 365)),
            "hub_threshold": chance.choice((None, 1, 2, 3)), "ttl_days": chance.choice((None, 40, 180)),
            "bridges": not visits,
        }  # fmt: skip
        if namespace == "phone":
            policy["reassign_after_days"] = chance.choice((None, 25))
        if namespace == "email":
            policy["folding"] = {"gmail.com": {"dots": True, "plus_tags": chance.random() < 0.5}}
        return policy

    def permission(self) -> dict[str, Any]:
        """Return what somebody said about linking one of his identifiers."""
        return {"identifier": self.identifier(), "state": self.chance.choice(("granted", "withdrawn")),
                "since": self.time()}  # fmt: skip

    def migration(self) -> dict[str, Any]:
        """Return the move of a WeChat account, with WeChat's answer about its openids."""
        old, new = self.chance.sample(APPS, 2)
        before, after = ([value for app, value in VALUES["wx_openid"] if app == one] for one in (old, new))
        lines = [{"ori_openid": one, "new_openid": other} for one, other in zip(before, after, strict=True)]
        return {"from_appid": old, "to_appid": new, "lines": lines}


Draw = Callable[[Drawing], Any]
VERBS: dict[str, tuple[int, Draw]] = {
    "batch": (30, Drawing.batch),
    "evidence": (14, Drawing.evidence),
    "preview": (2, Drawing.evidence),
    "merge": (8, Drawing.pair),
    "unmerge": (6, lambda drawing: [drawing.identifier(), drawing.chance.choice(("retired", "leaving"))]),
    "erase": (3, lambda drawing: drawing.identifier()),
    "reopen": (2, lambda drawing: drawing.identifier()),
    "policies": (4, Drawing.policies),
    "shadow": (2, Drawing.policies),
    "permission": (4, Drawing.permission),
    "migrate": (2, Drawing.migration),
    "release": (4, lambda drawing: drawing.chance.choice(("release", "release", "throw-away"))),
    "suggestion": (4, lambda drawing: drawing.chance.choice(("accept", "refuse", "keep_apart"))),
    "at_risk": (2, lambda drawing: drawing.chance.choice(("fine", "undo"))),
    "create": (3, Drawing.pair),
    "by_id": (4, lambda drawing: [drawing.chance.choice(("merge", "erase", "unmerge")), drawing.chance.random()]),
    "wait": (5, lambda drawing: drawing.chance.choice(DAYS)),
    "ask": (8, Drawing.pair),
}
"""How often each verb comes, and what it is given."""
