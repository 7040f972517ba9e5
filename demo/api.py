"""The demo's hands: the public API of the five services, nothing else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

from launcher.stack import Stack
from libs.common.http.pools import keep_all

PATIENCE_SECONDS = 120.0


class ApiError(Exception):
    """A call was refused; the message says what the service said."""


class Api:
    """Calls the services of a stack; a service that is away for a while is waited for."""

    def __init__(self, stack: Stack, key: str, workspace: str | None = None) -> None:
        self.stack = stack
        headers = {"authorization": f"Bearer {key}"}
        if workspace:
            headers["x-workspace"] = workspace
        self._client = httpx.AsyncClient(headers=headers, timeout=900, limits=keep_all(), trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(self, method: str, service: str, path: str, **options: Any) -> Any:
        """Call and return the decoded answer; None for an empty one. Retries while the service is away."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                response = await self._client.request(method, self.stack.url(service) + path, **options)
            except httpx.TransportError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise ApiError(f"{service} does not answer: {error}") from error
                await asyncio.sleep(0.2)
                continue
            if response.status_code in {429, 503} and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(min(float(response.headers.get("retry-after", "0.5")), 1.0))
                continue
            if response.status_code >= 400:
                raise ApiError(f"{method} {path}: {response.status_code} {response.text[:500]}")
            return response.json() if response.content else None

    async def get(self, service: str, path: str, **parameters: Any) -> Any:
        """GET."""
        chosen = {name: value for name, value in parameters.items() if value is not None}
        return await self.call("GET", service, path, params=chosen)

    async def post(self, service: str, path: str, body: Any, **headers: str) -> Any:
        """POST JSON."""
        return await self.call("POST", service, path, json=body, headers=headers)

    async def put(self, service: str, path: str, body: Any) -> Any:
        """PUT JSON."""
        return await self.call("PUT", service, path, json=body)

    async def items(self, service: str, path: str, **parameters: Any) -> AsyncIterator[Any]:
        """Yield every item of a keyset list."""
        cursor: str | None = None
        while True:
            page = await self.get(service, path, limit=1000, cursor=cursor, **parameters)
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return
