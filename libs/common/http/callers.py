"""Who is asking: every route says which scope it needs."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request

from libs.common.access import service_tokens
from libs.common.access.keys import kind_of
from libs.common.access.model import SCOPES, ApiKey
from libs.common.clock import wall_now
from libs.common.db import Tx
from libs.common.errors import Forbidden, Invalid, NotFound, Unauthorized
from libs.common.runtime import Runtime

CallerKind = Literal["key", "session", "service", "administrator"]


@dataclass(frozen=True)
class Caller:
    """A request's author: the workspace he acts in and what he may do."""

    kind: CallerKind
    workspace_id: int
    """0 only for the administrator of the installation outside any workspace."""
    name: str
    key: ApiKey | None = None

    def may(self, scope: str) -> bool:
        """Return whether the caller has a scope."""
        return self.kind == "service" or (self.key is not None and self.key.allows(scope))


def runtime_of(request: Request) -> Runtime[Any]:
    """Return the runtime of the app that serves this request."""
    runtime: Runtime[Any] = request.app.state.runtime
    return runtime


async def _chosen_workspace(request: Request, runtime: Runtime[Any], required: bool) -> int:
    named = request.headers.get("x-workspace", "")
    if not named or named == "0":
        if required:
            raise Invalid.at("header/X-Workspace", "name the workspace this request is about (its number or key)")
        return 0
    if named.isdecimal() and len(named) < 10:
        await runtime.directory.ensure_workspaces([int(named)])
    workspace = await runtime.directory.find_workspace(named) if len(named) < 200 else None
    if workspace is None:
        raise NotFound("there is no such workspace")
    return workspace.workspace_id


async def identify_caller(request: Request, *, workspace_required: bool = True) -> Caller:
    """Return who is asking; raises Unauthorized."""
    runtime = runtime_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("send `Authorization: Bearer <secret key>`")
    if token.startswith(service_tokens.PREFIX):
        return await _service(request, runtime, token, workspace_required)
    key = await _known_key(runtime, token)
    if key.workspace_id == 0:
        workspace_id = await _chosen_workspace(request, runtime, workspace_required)
        return Caller("administrator", workspace_id, key.name or "administrator", key)
    named = request.headers.get("x-workspace", "")
    own = runtime.directory.workspace(key.workspace_id)
    if named and (own is None or named not in {own.key, str(own.workspace_id)}):
        raise NotFound("there is no such workspace")
    return Caller("session" if key.kind == "session" else "key", key.workspace_id, key.member or key.name, key)


async def _service(request: Request, runtime: Runtime[Any], token: str, workspace_required: bool) -> Caller:
    service = service_tokens.verify(runtime.settings.service_secret.get_secret_value(), token)
    if service is None:
        raise Unauthorized("the service token is not valid")
    return Caller("service", await _chosen_workspace(request, runtime, workspace_required), service)


async def _known_key(runtime: Runtime[Any], token: str) -> ApiKey:
    if kind_of(token) not in {"secret", "session"}:
        raise Unauthorized("this is not a secret key; write keys can only write")
    await runtime.directory.ensure_key(token)
    key = runtime.directory.key(token, wall_now())
    if key is None:
        raise Unauthorized("the key is unknown, expired or revoked")
    return key


RULE_ATTRIBUTE = "rapport_access_rule"


def requires(scope: str, *, workspace: bool = True) -> Callable[[Request], Any]:
    """Return the dependency that admits callers with `scope`; `workspace=False` for the installation's own routes."""
    if scope not in SCOPES:
        raise ValueError(f"{scope!r} is not a scope; add it to libs.common.access.model.SCOPES")

    async def admit(request: Request) -> Caller:
        caller = await identify_caller(request, workspace_required=workspace)
        if not workspace and caller.kind in {"key", "session"}:
            raise Forbidden("only the installation's administrator may do this")
        if not caller.may(scope):
            raise Forbidden(f"the key lacks the scope {scope}")
        request.state.caller = caller
        return caller

    setattr(admit, RULE_ATTRIBUTE, scope)
    return admit


def internal() -> Callable[[Request], Any]:
    """Return the dependency that admits only the other services."""

    async def admit(request: Request) -> Caller:
        caller = await identify_caller(request, workspace_required=False)
        if caller.kind != "service":
            raise Forbidden("only services call this")
        request.state.caller = caller
        return caller

    setattr(admit, RULE_ATTRIBUTE, "internal")
    return admit


def public() -> Callable[[], Any]:
    """Return the dependency of a route open to everybody: it says so, so that none is open by accident."""

    async def admit() -> None:
        return None

    setattr(admit, RULE_ATTRIBUTE, "public")
    return admit


async def transaction(request: Request) -> AsyncIterator[Tx]:
    """Give a transaction of the caller's workspace; it commits before the answer leaves."""
    runtime = runtime_of(request)
    caller: Caller = request.state.caller
    async with runtime.database.transaction(caller.workspace_id) as tx:
        yield tx


async def transaction_by_index(request: Request) -> AsyncIterator[Tx]:
    """Give a transaction as `transaction` does, that finds its rows by indexes whatever the tables' sizes."""
    runtime = runtime_of(request)
    caller: Caller = request.state.caller
    async with runtime.database.transaction(caller.workspace_id, by_index=True) as tx:
        yield tx


async def snapshot(request: Request) -> AsyncIterator[Tx]:
    """Give a transaction as `transaction` does, all of whose statements see one moment; for reading alone."""
    runtime = runtime_of(request)
    caller: Caller = request.state.caller
    async with runtime.database.transaction(caller.workspace_id, snapshot=True) as tx:
        yield tx


RuntimeOf = Annotated[Runtime[Any], Depends(runtime_of)]
Transaction = Annotated[Tx, Depends(transaction, scope="function")]
"""Declare it after the caller: the caller's dependency must have run."""
TransactionByIndex = Annotated[Tx, Depends(transaction_by_index, scope="function")]
"""For questions about a few of many, asked so often that a plan would be kept from when the tables were small."""
Snapshot = Annotated[Tx, Depends(snapshot, scope="function")]
"""For answers read in several statements, where what the first one names may be deleted before the next."""
