"""The front door for touchpoints: the paths, shapes and answers of the Segment specification."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.common.access.model import Source
from libs.common.errors import FieldError, Malformed, Problem
from libs.common.http.callers import public, runtime_of
from libs.common.http.problems import problem_response
from libs.common.runtime import Runtime
from services.identity.api.collector_commit import GroupCommit
from services.identity.api.collector_memory import Share
from services.identity.api.collector_request import key_in_body, key_in_header, read_body, source_of
from services.identity.domain.batches import read_batch, read_single
from services.identity.domain.calls import Refusal
from services.identity.domain.posting import Posting

router = APIRouter(prefix="/v1", tags=["collection"])

_SUCCESS = b'{"success":true}'
_CORS = {"Access-Control-Allow-Origin": "*", "Vary": "Origin"}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "86400",
}
_TOLD = 100
"""Reasons told in the answer to one batch; the quarantine lists all."""
SINGLE = {
    "track": "t", "identify": "i", "page": "p", "screen": "s", "group": "g", "alias": "a",
}  # fmt: skip


def group_commit_of(request: Request) -> GroupCommit:
    """Return the app's group commit, made with the first request."""
    commit: GroupCommit | None = getattr(request.app.state, "group_commit", None)
    if commit is None:
        commit = GroupCommit(runtime_of(request))
        request.app.state.group_commit = commit
    return commit


def problem_of(refusal: Refusal) -> Malformed:
    """Return a refusal as the problem its sender reads."""
    error = FieldError(pointer=refusal.pointer, detail=refusal.detail, code=refusal.reason)
    return Malformed(refusal.detail, code=refusal.reason, errors=[error])


async def answered(request: Request, act: Callable[[Request, Runtime[Any]], Awaitable[Response]]) -> Response:
    """Return the answer of `act` in a form a page of any origin may read, problems included."""
    commit = group_commit_of(request)
    try:
        commit.admit()
        with Share(commit.memory) as share:
            request.state.share = share
            response = await act(request, runtime_of(request))
    except Problem as problem:
        response = problem_response(problem)
    response.headers.update(_CORS)
    return response


async def post(request: Request, posting: Posting) -> Any:
    """Return the receipt of a posting once it is durable, within its source's quota."""
    commit = group_commit_of(request)
    commit.spend(posting)
    request.state.share.close()
    return await commit.submit(posting)


async def _source_and_body(request: Request, runtime: Runtime[Any]) -> tuple[Source, bytes]:
    """Return who sends and what; a sender whose header names no good key is refused before his body is read."""
    share: Share = request.state.share
    key = key_in_header(request)
    if key is not None:
        return await source_of(request, runtime, key), await read_body(request, share.grow_to)
    body = await read_body(request, share.grow_to)
    return await source_of(request, runtime, key_in_body(body)), body


async def post_single(request: Request, source: Source, body: bytes, kind: str) -> None:
    """Take one call; raises the problem it has."""
    posting = read_single(source, body, kind)
    await post(request, posting)
    if posting.refused:
        raise problem_of(posting.refused[0])


def _single(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def act(request: Request, runtime: Runtime[Any]) -> Response:
        await post_single(request, *await _source_and_body(request, runtime), kind)
        return Response(_SUCCESS, media_type="application/json")

    async def endpoint(request: Request) -> Response:
        return await answered(request, act)

    endpoint.__doc__ = f"Take one `{kind}` call: 200 once it is durable, 400 with a pointer when it cannot be taken."
    return endpoint


for _kind, _letter in SINGLE.items():
    for _path in (f"/{_kind}", f"/{_letter}"):
        router.add_api_route(
            _path,
            _single(_kind),
            methods=["POST"],
            name=_kind,
            operation_id=f"collect_{_path[1:]}",
            include_in_schema=_path == f"/{_kind}",
            dependencies=[Depends(public())],
        )


async def _take_batch(request: Request, runtime: Runtime[Any]) -> Response:
    source, body = await _source_and_body(request, runtime)
    read = read_batch(source, body)
    if isinstance(read, Refusal):
        raise problem_of(read)
    posting, why = read
    receipt = await post(request, posting)
    answer = {
        "success": True,
        "posted": posting.posted,
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicate,
        "conflict": receipt.conflict,
        "quarantined": receipt.quarantined,
        "refused": receipt.refused,
        "errors": [
            {
                "index": index,
                "pointer": f"/batch/{index}{refusal.pointer}",
                "reason": refusal.reason,
                "detail": refusal.detail,
            }
            for index, refusal in list(why.items())[:_TOLD]
        ],
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.post("/batch", dependencies=[Depends(public())], operation_id="collect_batch")
@router.post("/b", dependencies=[Depends(public())], include_in_schema=False, operation_id="collect_b")
@router.post("/import", dependencies=[Depends(public())], include_in_schema=False, operation_id="collect_import")
async def collect_batch(request: Request) -> Response:
    """Take a batch of calls: 200 once all are durable; a bad one is quarantined alone and named in the answer."""
    return await answered(request, _take_batch)


async def _preflight() -> Response:
    """Let pages of any origin post here; a source's own list of origins is checked with its key."""
    return Response(status_code=204, headers=_PREFLIGHT)


for _path in ("batch", "b", "import", *SINGLE, *SINGLE.values()):
    router.add_api_route(
        f"/{_path}", _preflight, methods=["OPTIONS"], include_in_schema=False, dependencies=[Depends(public())]
    )
