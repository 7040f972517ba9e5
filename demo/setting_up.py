"""Makes the demo's workspace with sources, segments, journeys and templates; finds it again the next time."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.api import Api, ApiError
from demo.programme import SEGMENTS, TEMPLATES, journeys
from demo.touchpoints import ISSUER, YEAR_START
from launcher.stack import Stack

SOURCES: dict[str, dict[str, Any]] = {
    "store": {"kind": "store", "trusted": True, "best_tier": 1, "priority": 10},
    "crm": {"kind": "crm", "trusted": True, "best_tier": 1, "priority": 20},
    "mini": {"kind": "mini_program", "trusted": True, "best_tier": 1, "priority": 30},
    "accounts": {"kind": "official_account", "trusted": True, "best_tier": 1, "priority": 40},
    "web": {"kind": "web", "priority": 50},
    "app": {"kind": "app", "priority": 60},
}


@dataclass
class Workspace:
    """The demo's workspace: keys and the ids of what was made in it."""

    key: str
    secret_key: str
    write_keys: dict[str, str]
    segment_ids: dict[str, str] = field(default_factory=dict)
    journey_ids: dict[str, str] = field(default_factory=dict)
    fresh: bool = True


def _memory(home: Path, key: str) -> Path:
    return home / f"{key}.json"


async def set_up(stack: Stack, home: Path, households: int, name: str = "demo") -> Workspace:
    """Return the workspace for this many households, made now or found again."""
    key = f"{name}-{households}"
    memory = _memory(home, key)
    if memory.exists():
        return Workspace(**{**json.loads(memory.read_text()), "fresh": False})
    installation = Api(stack, stack.admin_key)
    admin = Api(stack, stack.admin_key, key)
    try:
        await _make_workspace(installation, key, households)
        workspace = await _furnish(admin, key)
    finally:
        await installation.close()
        await admin.close()
    memory.touch(mode=0o600)
    memory.write_text(json.dumps({name: value for name, value in vars(workspace).items() if name != "fresh"}))
    return workspace


async def _make_workspace(installation: Api, key: str, households: int) -> None:
    body = {
        "key": key,
        "name": f"Demo, {households} households",
        "timezone": "America/New_York",
        "clock": {"now": YEAR_START.isoformat()},
    }
    try:
        await installation.post("identity", "/v1/identity/workspaces", body)
    except ApiError as error:
        raise ApiError(
            f"{error}\nThe workspace {key} was begun but not finished; remove the data directory and start again"
        ) from error


async def _furnish(admin: Api, key: str) -> Workspace:
    made = await admin.post("identity", "/v1/identity/keys", {"name": "demo", "scopes": ["*"]})
    workspace = Workspace(key=key, secret_key=made["key"], write_keys={})
    for name, declared in SOURCES.items():
        body = {"key": name, "name": name.title(), "issuer": ISSUER, "default_region": "CN", **declared}
        source = await admin.post("identity", "/v1/identity/sources", body)
        workspace.write_keys[name] = source["write_key"]
    for name, (title, definition) in SEGMENTS.items():
        body = {"key": name, "name": title, "definition": definition, "state": "live"}
        workspace.segment_ids[name] = (await admin.post("segment", "/v1/segment/segments", body))["segment_id"]
    for name, content in TEMPLATES.items():
        await admin.put("messaging", f"/v1/messaging/templates/{name}", content)
    policy = {
        "opt_out": [{"purpose": "marketing", "channel": channel} for channel in ("email", "inbox")],
    }
    await admin.put("profile", "/v1/profile/consent-policy", policy)
    caps = {"caps": [{"id": "two-a-day", "count": 2, "window": {"calendar": "day"}}]}
    await admin.put("messaging", "/v1/messaging/policies", caps)
    for name, definition in journeys(workspace.segment_ids).items():
        draft = await admin.post("journey", "/v1/journey/journeys", {"name": name, "definition": definition})
        workspace.journey_ids[name] = draft["id"]
        await admin.post("journey", f"/v1/journey/journeys/{draft['id']}/publish", {"policy": "pin"})
    return workspace
