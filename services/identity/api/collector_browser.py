"""What a browser asks beside the calls: the SDK's settings and the pixel."""

import base64
import binascii
from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.common.errors import Malformed, NotFound, Unauthorized
from libs.common.http.callers import public
from libs.common.runtime import Runtime
from services.identity.api.collector import SINGLE, answered, post_single
from services.identity.api.collector_request import source_of
from services.identity.domain.limits import EVENT_BYTES

router = APIRouter(prefix="/v1", tags=["collection"])

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_NO_STORE = {"Cache-Control": "no-store"}


def browser_settings(key: str, api_host: str) -> dict[str, Any]:
    """Return what the browser SDK reads at its start: everything goes here, to one destination."""
    everything = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": api_host,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
                "maybeBundledConfigIds": {},
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {
            "track": everything,
            "identify": {"__default": {"enabled": True}},
            "group": {"__default": {"enabled": True}},
        },
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


@router.get("/projects/{write_key}/settings", dependencies=[Depends(public())])
async def project_settings(write_key: str, request: Request) -> Response:
    """Answer what the browser SDK asks for at its start."""

    async def act(request: Request, runtime: Runtime[Any]) -> Response:
        try:
            await source_of(request, runtime, write_key)
        except Unauthorized as unknown:
            raise NotFound("there is no such write key") from unknown
        public_url = runtime.settings.public_url or str(request.base_url)
        host = f"{public_url.partition('://')[2].rstrip('/')}/v1"
        return Response(
            msgspec.json.encode(browser_settings(write_key, host)),
            media_type="application/json",
            headers={"Cache-Control": "public, max-age=120"},
        )

    return await answered(request, act)


@router.get("/pixel", dependencies=[Depends(public())])
@router.get("/pixel/{kind}", dependencies=[Depends(public())], operation_id="pixel_of_kind")
async def pixel(request: Request, kind: str = "page") -> Response:
    """Take one call from an image's address, and answer a transparent pixel.

    `data` is the call as base64 JSON with its writeKey; or `writeKey`, `userId`, `anonymousId`, `event`, `name`,
    `messageId` and `properties.*` stand in the query.
    """

    async def act(request: Request, runtime: Runtime[Any]) -> Response:
        call = _call_of(request)
        key = call.get("writeKey")
        if not isinstance(key, str):
            raise Unauthorized("the pixel's address lacks its writeKey")
        told = call.get("type") if "kind" not in request.path_params else kind
        word = told if isinstance(told, str) else ("track" if "event" in call else "page")
        if word not in SINGLE:
            raise NotFound("there is no such kind of call")
        await post_single(request, await source_of(request, runtime, key), msgspec.json.encode(call), word)
        return Response(_GIF, media_type="image/gif", headers=_NO_STORE)

    return await answered(request, act)


def _call_of(request: Request) -> dict[str, Any]:
    data = request.query_params.get("data")
    if data is None:
        return _call_of_query(dict(request.query_params))
    if len(data) > 2 * EVENT_BYTES:
        raise Malformed("data is larger than an event may be", code="event_too_large")
    try:
        text = base64.b64decode(data.replace("-", "+").replace("_", "/").replace(" ", "+") + "=" * (-len(data) % 4))
        call = msgspec.json.decode(text)
    except (binascii.Error, ValueError, RecursionError, msgspec.DecodeError) as error:
        raise Malformed("data is not base64 of JSON", code="malformed_json") from error
    if not isinstance(call, dict):
        raise Malformed("data is not a call", code="not_an_object")
    return call


def _call_of_query(query: dict[str, str]) -> dict[str, Any]:
    call: dict[str, Any] = {name: value for name, value in query.items() if not name.startswith("properties.")}
    properties = {name[11:]: value for name, value in query.items() if name.startswith("properties.")}
    return {**call, "properties": properties} if properties else call
