"""The links in messages: unsubscribe, click, open. Public: the signed token is the key."""

import base64
import contextlib
import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from libs.common.errors import NotFound, Unavailable
from libs.common.http.callers import RuntimeOf, public
from libs.common.ids import new_id
from services.messaging.domain.bots import is_human
from services.messaging.domain.links import LINK_NAMESPACE, MAX_TOKEN_CHARACTERS, SIGNATURE_BYTES, Link, split_token
from services.messaging.domain.unsubscribe_page import page
from services.messaging.store.handoffs import Report, load_handoffs
from services.messaging.usecases.record_reports import record_reports
from services.messaging.usecases.unsubscribe_person import unsubscribe_person

router = APIRouter(prefix="/v1/messaging", tags=["links"], dependencies=[Depends(public())])

Token = Annotated[str, Path(min_length=20, max_length=MAX_TOKEN_CHARACTERS)]
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def _proven(runtime: RuntimeOf, token: str, kind: str) -> Link:
    """Return what a token says once its signature is checked; raises NotFound for anything else."""
    claimed = split_token(token)
    if claimed is not None:
        link, payload, signature = claimed
        try:
            await runtime.directory.ensure_workspaces([link.workspace_id])
            right = runtime.sealer(link.workspace_id).lookup(LINK_NAMESPACE, payload)[:SIGNATURE_BYTES]
        except Unavailable:
            right = b""
        if link.kind == kind and hmac.compare_digest(right, signature):
            return link
    raise NotFound("this link is not valid")


def _is_chinese(request: Request) -> bool:
    return request.headers.get("accept-language", "").lower().startswith("zh")


@router.get("/u/{token}")
async def show_unsubscribe(token: Token, request: Request, runtime: RuntimeOf) -> HTMLResponse:
    """Show a page with one button. Looking never unsubscribes: mail programs and scanners look at every link."""
    await _proven(runtime, token, "unsubscribe")
    return HTMLResponse(page(chinese=_is_chinese(request), done=False), headers=NO_STORE)


@router.post("/u/{token}")
async def unsubscribe(token: Token, request: Request, runtime: RuntimeOf) -> HTMLResponse:
    """Withdraw the consent this message was sent under, at once (RFC 8058: one POST, no login, no question)."""
    link = await _proven(runtime, token, "unsubscribe")
    now = runtime.now(link.workspace_id)
    async with runtime.worker_database.transaction(link.workspace_id) as tx:
        await unsubscribe_person(tx, link.workspace_id, link.intent_id, link.channel, withdrawal_id=new_id(), now=now)
        tx.after_commit(lambda: runtime.wake("forward_withdrawals"))
    return HTMLResponse(page(chinese=_is_chinese(request), done=True), headers=NO_STORE)


@router.get("/c/{token}")
@router.head("/c/{token}", include_in_schema=False)
async def click(token: Token, request: Request, runtime: RuntimeOf) -> Response:
    """Note the click and go where the link leads; only addresses this service signed are followed."""
    link = await _proven(runtime, token, "click")
    await _note(runtime, link, "clicked", request)
    return RedirectResponse(link.url, status_code=302, headers=NO_STORE)


@router.get("/o/{token}")
async def show_pixel(token: Token, request: Request, runtime: RuntimeOf) -> Response:
    """Note that the message is shown; the answer is an invisible image in any case."""
    with contextlib.suppress(NotFound):
        await _note(runtime, await _proven(runtime, token, "open"), "opened", request)
    return Response(PIXEL, media_type="image/gif", headers=NO_STORE)


async def _note(runtime: RuntimeOf, link: Link, state: str, request: Request) -> None:
    now = runtime.now(link.workspace_id)
    async with runtime.worker_database.transaction(link.workspace_id) as tx:
        handoffs = await load_handoffs(tx, link.workspace_id, [link.intent_id])
        sent = next((h.submitted_at for h in handoffs if h.channel == link.channel), None)
        agent = request.headers.get("user-agent", "")
        # A driven clock stands still between steps: the second after sending says nothing there.
        since = None if sent is None or runtime.is_driven(link.workspace_id) else now - sent
        human = is_human("open" if state == "opened" else "click", agent, request.method, since)
        report = Report(
            intent_id=link.intent_id, channel=link.channel, state=state, at=now, link=link.url[:2000], human=human
        )
        await record_reports(tx, link.workspace_id, [report], now=now)
