"""A running system as the world sees it: a workspace of its own, calls in, and whose each identifier is."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

import httpx
import msgspec

from libs.common.http.pools import keep_all
from services.identity.domain.evidence import Identifier
from world.arrivals import Arrival
from world.shape import END, ISSUER, SOURCES

CALLS_AT_ONCE = 100
FACTS_AT_ONCE = 500
QUESTIONS_AT_ONCE = 500
REQUESTS_AT_ONCE = 6
_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """The service refused; the message is what it said."""


class Service:
    """The public API of identity, with an administrator's key."""

    def __init__(self, url: str, admin_key: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=900, limits=keep_all(), trust_env=False)
        self._admin = {"authorization": f"Bearer {admin_key}"}
        self._headers: dict[str, str] = {}
        self._write_keys: dict[str, str] = {}
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def open(self, key: str) -> None:
        """Make the workspace, its clock at the world's present, and its sources."""
        body = {"key": key, "name": f"World {key}", "clock": {"now": END.isoformat()}}
        await self._call("POST", "/v1/identity/workspaces", json=body, headers=self._admin)
        self._headers = {**self._admin, "x-workspace": key}
        for name, declared in SOURCES.items():
            source = {"key": name, "name": name.title(), "issuer": ISSUER, "default_region": "CN", **declared}
            made = await self._call("POST", "/v1/identity/sources", json=source, headers=self._headers)
            self._write_keys[name] = made["write_key"]

    async def post(self, arrivals: Sequence[Arrival]) -> None:
        """Post what arrives: calls to the collector by source, facts to the evidence route."""
        by_source: dict[str, list[bytes]] = defaultdict(list)
        facts: list[dict[str, Any]] = []
        for one in arrivals:
            if one.is_fact:
                facts.append(one.body)
            else:
                by_source[one.source].append(_encode(one.body))
        requests = [
            self._post_calls(source, bodies[start : start + CALLS_AT_ONCE])
            for source, bodies in by_source.items()
            for start in range(0, len(bodies), CALLS_AT_ONCE)
        ]
        requests += [
            self._post_facts(facts[start : start + FACTS_AT_ONCE]) for start in range(0, len(facts), FACTS_AT_ONCE)
        ]
        await asyncio.gather(*requests)

    async def _post_calls(self, source: str, bodies: list[bytes]) -> None:
        content = b'{"batch":[' + b",".join(bodies) + b"]}"
        headers = {"content-type": "application/json"}
        auth = (self._write_keys[source], "")
        await self._call("POST", "/v1/batch", content=content, headers=headers, auth=auth)

    async def _post_facts(self, facts: list[dict[str, Any]]) -> None:
        await self._call("POST", "/v1/identity/evidence", json={"items": facts}, headers=self._headers)

    async def drain(self) -> None:
        """Wait until everything posted is somebody's."""
        await self._call("GET", "/v1/identity/drained", params={"wait": "true"}, headers=self._headers)

    async def persons(self, identifiers: Sequence[Identifier]) -> dict[Identifier, Hashable]:
        """Return the person id of each identifier; those never seen are absent."""
        parts = [
            identifiers[start : start + QUESTIONS_AT_ONCE] for start in range(0, len(identifiers), QUESTIONS_AT_ONCE)
        ]
        found: dict[Identifier, Hashable] = {}
        for answered in await asyncio.gather(*map(self._ask, parts)):
            found |= answered
        return found

    async def _ask(self, part: Sequence[Identifier]) -> dict[Identifier, Hashable]:
        items = [
            {"identifiers": [{"namespace": one.namespace, "scope": one.scope, "value": one.value}]} for one in part
        ]
        answer = await self._call("POST", "/v1/identity/resolve", json={"items": items}, headers=self._headers)
        answered = zip(part, answer["items"], strict=True)
        return {one: item["person_id"] for one, item in answered if item["person_id"]}

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        """Call and return the decoded answer; a service that asks to wait is waited for."""
        while True:
            async with self._slots:
                response = await self._client.request(method, path, **options)
            if response.status_code in {429, 503}:
                await asyncio.sleep(min(float(response.headers.get("retry-after", "0.5")), 2.0))
                continue
            if response.status_code >= 400:
                raise Refused(f"{method} {path}: {response.status_code} {response.text[:500]}")
            return response.json() if response.content else None
