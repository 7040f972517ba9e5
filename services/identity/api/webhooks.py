"""The door for other systems: WeChat, WeCom, and whoever posts JSON with a signature."""

from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.common.access.model import Source
from libs.common.clock import wall_now
from libs.common.errors import Forbidden, Invalid, Malformed, NotFound, Unauthorized
from libs.common.http.callers import public
from libs.common.runtime import Runtime
from services.identity.api.collector import answered, group_commit_of, post
from services.identity.api.collector_request import read_body
from services.identity.api.graph_models import parts_of
from services.identity.domain.calls import Refusal
from services.identity.domain.heard_calls import posting_of
from services.identity.domain.posting import Posting
from services.identity.domain.webhook import Callback, Heard, WebhookKind, WebhookSettings
from services.identity.store import webhooks
from services.identity.usecases.note_enquiries import note_enquiries

router = APIRouter(prefix="/v1/webhooks", tags=["collection"])

_LATEST_SOURCE = 2**31 - 1


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a mini-program got from `wx.login` and, where the user gave it, from `getPhoneNumber`."""

    code: str
    phone_code: str = ""


_logins = msgspec.json.Decoder(LoginBody)


async def _caller(request: Request, runtime: Runtime[Any]) -> tuple[Source, WebhookKind, WebhookSettings]:
    """Return the source that is called for, with what it declared; the same refusal whatever is not there."""
    told = request.path_params["source_id"]
    number = int(told) if told.isascii() and told.isdigit() and len(told) <= 10 else 0
    source = runtime.directory.source(number) if 0 < number <= _LATEST_SOURCE else None
    workspace = runtime.directory.workspace(source.workspace_id) if source else None
    if source is not None and workspace is not None and workspace.status == "active":
        async with runtime.database.transaction(source.workspace_id) as tx:
            settings = await webhooks.read(
                tx, source.workspace_id, source.source_id, runtime.sealer(source.workspace_id)
            )
        kind = parts_of(runtime).webhooks.get(settings.kind) if settings else None
        if settings is not None and kind is not None:
            if not source.enabled or not source.trusted:
                raise Forbidden("the source takes nothing at present")
            return source, kind, settings
    raise NotFound("there is no such webhook")


async def _callback(request: Request) -> Callback:
    share = request.state.share
    body = await read_body(request, share.grow_to) if request.method == "POST" else b""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Callback(dict(request.query_params), headers, body, wall_now())


@router.get("/{source_id}", dependencies=[Depends(public())])
async def echo_webhook(source_id: str, request: Request) -> Response:  # noqa: ARG001 - told by the path
    """Answer WeChat's question whether this address knows the account's token."""

    async def act(request: Request, runtime: Runtime[Any]) -> Response:
        _, kind, settings = await _caller(request, runtime)
        if kind.echo is None:
            raise NotFound("this kind of webhook is only posted to")
        echo = kind.echo(await _callback(request), settings)
        if isinstance(echo, Refusal):
            raise _not_genuine(echo)
        return Response(echo, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})

    return await answered(request, act)


@router.post("/{source_id}", dependencies=[Depends(public())])
async def take_webhook(source_id: str, request: Request) -> Response:  # noqa: ARG001 - told by the path
    """Take a callback: the answer means that what it says is durable, or kept with the reason it cannot be taken."""
    return await answered(request, _take)


async def _take(request: Request, runtime: Runtime[Any]) -> Response:
    source, kind, settings = await _caller(request, runtime)
    callback = await _callback(request)
    clear = kind.open(callback, settings)
    if isinstance(clear, Refusal):
        await post(request, Posting(source, posted=1, refused=[clear]))
        raise _not_genuine(clear)
    heard = kind.read(clear, settings)
    if heard.asks and kind.told is not None and settings.secret:
        await _note(runtime, source, heard)
    posting = posting_of(source, heard, size=len(callback.body))
    if posting.posted:
        await post(request, posting)
    return Response(kind.answer, media_type=kind.media_type)


async def _note(runtime: Runtime[Any], source: Source, heard: Heard) -> None:
    """Queue the questions before the event is taken: a crash between the two costs a question, never an answer."""
    sealer = runtime.sealer(source.workspace_id)
    async with runtime.database.transaction(source.workspace_id) as tx:
        if await note_enquiries(tx, source, heard.asks, sealer=sealer, now=wall_now()):
            tx.after_commit(lambda: runtime.wake("ask_wechat"))


@router.post("/{source_id}/login", dependencies=[Depends(public())])
async def login_webhook(source_id: str, request: Request) -> Response:  # noqa: ARG001 - told by the path
    """Take a mini-program's log-in: WeChat says who the code stands for; openid, unionid and phone are one person's."""
    return await answered(request, _login)


async def _login(request: Request, runtime: Runtime[Any]) -> Response:
    source, kind, settings = await _caller(request, runtime)
    if kind.login is None or not settings.secret:
        raise NotFound("nobody logs in at this webhook")
    body = _login_of((await _callback(request)).body)
    # Anybody may send codes: the quota also bounds how often WeChat is asked.
    group_commit_of(request).spend(Posting(source, posted=1))
    one = await parts_of(runtime).wechat.session_of(settings, body.code, body.phone_code)
    calls = kind.login(one, settings, runtime.now(source.workspace_id))
    await post(request, posting_of(source, Heard(calls=calls), size=0))
    return Response(b'{"success":true}', media_type="application/json")


def _login_of(raw: bytes) -> LoginBody:
    try:
        body = _logins.decode(raw)
    except msgspec.ValidationError as error:
        raise Invalid.at("", str(error)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}", code="malformed_json") from error
    for name, value in (("code", body.code), ("phone_code", body.phone_code)):
        if len(value) > 200 or (name == "code" and not value.strip()):
            raise Invalid.at(f"/{name}", "this is no code of WeChat's")
    return body


def _not_genuine(refusal: Refusal) -> Unauthorized:
    return Unauthorized(refusal.detail, code=refusal.reason)
