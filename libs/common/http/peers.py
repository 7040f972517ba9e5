"""Questions to the other services: one client, batches, a timeout always."""

import asyncio
from typing import Any, TypeVar

import httpx
import msgspec

from libs.common.access import service_tokens
from libs.common.errors import FieldError, Problem, Unavailable
from libs.common.http.authorities import trusted_authorities
from libs.common.http.pools import keep_all
from libs.common.http.problems import problem_of_status
from libs.common.settings import ServiceSettings
from libs.common.telemetry import inject_headers

T = TypeVar("T")

TIMEOUT_SECONDS = 10.0
TRIES = 3
MOST_CONNECTIONS = 16
"""To each of the others."""
MAX_BATCH = 500


class Peers:
    """Calls the other services as this one; a refused answer becomes the same exception it was there."""

    def __init__(
        self, service: str, settings: ServiceSettings, transports: dict[str, httpx.AsyncBaseTransport] | None = None
    ) -> None:
        self._service = service
        self._secret = settings.service_secret.get_secret_value()
        self._settings = settings
        self._transports = transports if transports is not None else {}
        self._clients: dict[str, httpx.AsyncClient] = {}

    def _client(self, peer: str) -> httpx.AsyncClient:
        client = self._clients.get(peer)
        if client is None:
            client = httpx.AsyncClient(
                base_url=self._settings.url_of(peer),
                timeout=TIMEOUT_SECONDS,
                transport=self._transports.get(peer),
                limits=keep_all(MOST_CONNECTIONS),
                verify=trusted_authorities(),
                trust_env=False,
            )
            self._clients[peer] = client
        return client

    async def post(
        self,
        peer: str,
        path: str,
        workspace_id: int,
        body: Any,
        answer: type[T],
        *,
        safe: bool = True,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> T:
        """POST a question and return its decoded answer; `safe` ones are tried again when the peer is away."""
        return await self._call(
            "POST", peer, path, workspace_id, msgspec.json.encode(body), answer, safe, timeout_seconds
        )

    async def put(self, peer: str, path: str, workspace_id: int, body: Any, answer: type[T]) -> T:
        """PUT a state that may be set again, and return the decoded answer."""
        return await self._call(
            "PUT", peer, path, workspace_id, msgspec.json.encode(body), answer, True, TIMEOUT_SECONDS
        )

    async def get(self, peer: str, path: str, workspace_id: int, answer: type[T]) -> T:
        """GET and return the decoded answer."""
        return await self._call("GET", peer, path, workspace_id, None, answer, True, TIMEOUT_SECONDS)

    async def _call(
        self, method: str, peer: str, path: str, workspace_id: int, content: bytes | None, answer: type[T],
        safe: bool, timeout_seconds: float,
    ) -> T:  # fmt: skip
        headers = inject_headers(
            {
                "authorization": f"Bearer {service_tokens.issue(self._secret, self._service)}",
                "x-workspace": str(workspace_id),
                "content-type": "application/json",
            }
        )
        trouble: Problem = Unavailable(f"{peer} was not asked")
        for attempt in range(TRIES if safe else 1):
            if attempt:
                await asyncio.sleep(0.05 * 4**attempt)
            try:
                response = await self._client(peer).request(
                    method, path, content=content, headers=headers, timeout=timeout_seconds
                )
            except httpx.HTTPError as error:
                trouble = Unavailable(f"{peer} does not answer: {type(error).__name__}", retry_after_seconds=1)
                continue
            if response.status_code < 400:
                return _decoded(peer, response, answer)
            trouble = _problem(peer, response)
            if response.status_code < 500:
                break
        raise trouble

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()


def _decoded(peer: str, response: httpx.Response, answer: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content or b"null", type=answer)
    except msgspec.DecodeError as error:
        # not our caller's fault: the two services are of different versions
        raise Unavailable(f"{peer} answers in a form not known here: {error}", retry_after_seconds=5) from error


def _problem(peer: str, response: httpx.Response) -> Problem:
    try:
        body = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        body = {}
    body = body if isinstance(body, dict) else {}
    errors = [
        FieldError(pointer=str(e.get("pointer", "")), detail=str(e.get("detail", "")), code=str(e.get("code", "")))
        for e in body.get("errors", [])
        if isinstance(e, dict)
    ]
    kind = problem_of_status(response.status_code)
    return kind(f"{peer}: {body.get('detail', response.status_code)}", errors=errors)
