"""A workspace as a partner sees it: keys, sources and the public API."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from launcher.stack import Stack
from libs.common.http.pools import keep_all


class Refused(AssertionError):
    """A call was refused; the text is the service's."""


@dataclass
class Brand:
    """One workspace of the running system."""

    stack: Stack
    key: str
    client: httpx.AsyncClient
    write_keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def open(cls, stack: Stack, key: str, now: datetime | None, timezone: str) -> "Brand":
        """Make the workspace, a trusted source `server` and a public source `web`."""
        client = httpx.AsyncClient(
            headers={"authorization": f"Bearer {stack.admin_key}", "x-workspace": key},
            timeout=300,
            limits=keep_all(),
            trust_env=False,
        )
        brand = cls(stack, key, client)
        body: dict[str, Any] = {"key": key, "name": key, "timezone": timezone}
        if now is not None:
            body["clock"] = {"now": now.isoformat()}
        url = stack.url("identity") + "/v1/identity/workspaces"
        made = await client.post(url, json=body, headers={"x-workspace": "0"})
        assert made.status_code == 201, made.text
        for name, declared in (
            ("server", {"kind": "server", "trusted": True, "best_tier": 1}),
            ("web", {"kind": "web"}),
        ):
            source = await brand.post("identity", "/v1/identity/sources", {"key": name, "name": name, **declared})
            brand.write_keys[name] = source["write_key"]
        return brand

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def call(self, method: str, service: str, path: str, **options: Any) -> Any:
        """Call and return the decoded answer; Refused when it was not taken."""
        answer = await self.client.request(method, self.stack.url(service) + path, **options)
        if answer.status_code >= 400:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    async def get(self, service: str, path: str, **parameters: Any) -> Any:
        """GET."""
        return await self.call("GET", service, path, params=parameters)

    async def post(self, service: str, path: str, body: Any) -> Any:
        """POST."""
        return await self.call("POST", service, path, json=body)

    async def put(self, service: str, path: str, body: Any) -> Any:
        """PUT."""
        return await self.call("PUT", service, path, json=body)

    async def send(self, *calls: dict[str, Any], source: str = "server") -> Any:
        """Post Segment calls as one batch."""
        return await self.call(
            "POST", "identity", "/v1/batch", json={"batch": list(calls)}, auth=(self.write_keys[source], "")
        )

    async def advance(self, now: datetime) -> Any:
        """Move the clock; answers when everything due by then is done everywhere."""
        return await self.post("identity", "/v1/identity/clock", {"now": now.isoformat()})

    async def drain(self) -> None:
        """Wait until everything given is done."""
        await self.get("identity", "/v1/identity/drained", wait=True)
