"""Cases of the sample form, made at random: every policy key and every kind of evidence within reach."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, tzinfo=UTC)
KINDS = [("login", 1)] * 8 + [("import", 2)] * 4 + [("observe", 3)] * 4 + [("bind", 1), ("bind", 2)]
RARE = [("unbind", 1), ("unbind", 1), ("unbind", 2), ("infer", 4), ("must_link", 0), ("cannot_link", 0),
        ("retract", 0), ("retract", 2), ("supersede", 0)]  # fmt: skip


def a_policy(chance: random.Random) -> dict[str, dict[str, Any]]:
    """Return policies of the case form."""
    account: dict[str, Any] = {"priority": 1, "max_per_person": 1, "hub_threshold": None, "singleton": True}
    if chance.random() < 0.5:
        account["cap_per"] = "scope"
    caps = chance.choice([1, 2, {"tier_0_1": 2, "tier_2_up": 1}, {"tier_0_1": None, "tier_2_up": 1}])
    tel: dict[str, Any] = {"priority": 3, "max_per_person": chance.choice([2, 3, None]), "hub_threshold": 3}
    if chance.random() < 0.4:
        tel["stale_days"] = chance.choice([10, 30])
    gadget: dict[str, Any] = {"priority": 6, "max_per_person": chance.choice([None, 3]), "hub_threshold": 2}
    if chance.random() < 0.4:
        gadget["ttl_days"] = chance.choice([20, 40])
    if chance.random() < 0.4:
        gadget["bridges"] = False
    return {
        "account": account,
        "open_union": {"priority": 2, "max_per_person": caps, "hub_threshold": None},
        "tel": tel,
        "open_app": {
            "priority": 4, "max_per_person": chance.choice([2, None]), "hub_threshold": None, "cap_per": "scope",
            "parent": "open_union",
        },
        "gadget": gadget,
    }  # fmt: skip


def a_node(chance: random.Random, values: int) -> dict[str, str]:
    namespace = chance.choice(["account", "open_union", "tel", "open_app", "gadget"])
    value = chance.randint(1, values)
    scope = {"account": f"shop{value % 2}", "open_app": f"app{value % 3}"}.get(namespace, "")
    return {"namespace": namespace, "scope": scope, "value": f"{namespace[:2]}{value}"}


def a_case(seed: int, length: int = 42, values: int = 6) -> dict[str, Any]:
    """Return a case without its expectation."""
    chance = random.Random(seed)
    events = []
    for number in range(1, length + 1):
        kind, tier = chance.choice(KINDS if chance.random() < 0.75 else RARE)
        size = 2 if (kind, tier) in RARE else chance.choice([1, 2, 2, 2, 3, 3])
        nodes: list[dict[str, str]] = []
        while len(nodes) < size:
            node = a_node(chance, values)
            if node not in nodes and (kind != "supersede" or node["namespace"] == "account"):
                nodes.append(node)
        at = START + timedelta(minutes=chance.randint(0, 60 * 24 * 60))
        events.append({"id": f"e{number:02}", "time": at.isoformat(), "tier": tier, "kind": kind, "identifiers": nodes})
    deliveries = []
    for _ in range(2):
        order = [*range(length), *chance.choices(range(length), k=length // 6)]
        chance.shuffle(order)
        deliveries.append(order)
    return {"id": f"generated-{seed}", "policy": a_policy(chance), "events": events, "deliveries": deliveries}


def read_literally(case: dict[str, Any], upto: int | None = None) -> list[dict[str, Any]]:
    """Return a case's events as the literal rule takes them."""
    return [
        {**event, "time": datetime.fromisoformat(event["time"]),
         "nodes": [(one["namespace"], one["scope"], one["value"]) for one in event["identifiers"]]}
        for event in case["events"][:upto]
    ]  # fmt: skip
