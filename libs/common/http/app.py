"""A service's FastAPI app: routes found by their files, problems as RFC 9457, bounded bodies."""

from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.routing import APIRoute
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.errors import PayloadTooLarge
from libs.common.http.callers import RULE_ATTRIBUTE
from libs.common.http.problems import install_problem_handlers, problem_response
from libs.common.registry import discover
from libs.common.runtime import Runtime

MAX_BODY_BYTES = 8 * 1024 * 1024
UPLOAD_PATHS = ("/v1/imports",)
MAX_UPLOAD_BYTES = 2 * 1024 * 1024 * 1024


class BoundedBody:
    """Refuses a body over the limit while it arrives, before it fills the memory."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = MAX_UPLOAD_BYTES if scope["path"].startswith(UPLOAD_PATHS) else MAX_BODY_BYTES
        seen = 0
        refused = PayloadTooLarge(f"the body is larger than {limit} bytes")

        async def bounded_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                # the framework lets only its own kind of error through while it reads a body
                raise HTTPException(413, refused.detail)
            return message

        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await problem_response(refused)(scope, receive, send)
            return
        await self.app(scope, bounded_receive, send)


def access_rule(route: APIRoute) -> str | None:
    """Return the scope a route requires, `public` or `internal`; None where nobody said."""
    pending = list(route.dependant.dependencies)
    while pending:
        dependant = pending.pop()
        rule = getattr(dependant.call, RULE_ATTRIBUTE, None)
        if rule is not None:
            return str(rule)
        pending.extend(dependant.dependencies)
    return None


def build_app(
    title: str, api: ModuleType, *, version: str, house: APIRouter, lifespan: Any = None, traced: bool = False
) -> FastAPI:
    """Return the app with every router found in the package `api`.

    Raises TypeError for a route without an access rule: none is open by accident.
    """
    app = FastAPI(
        title=f"Rapport {title}",
        version=version,
        lifespan=lifespan,
        description=(api.__doc__ or "").strip(),
        separate_input_output_schemas=False,
    )
    install_problem_handlers(app)
    for router in [house, *discover(api, "router", APIRouter)]:
        for route in router.routes:
            if isinstance(route, APIRoute) and access_rule(route) is None:
                raise TypeError(
                    f"{route.methods} {route.path} has no access rule; use requires(), internal() or public()"
                )
        app.include_router(router)
    app.add_middleware(BoundedBody)
    if traced:
        FastAPIInstrumentor.instrument_app(
            app,
            excluded_urls="/live,/ready,/v1/track,/v1/batch,/v1/identify,/v1/page",
            exclude_spans=["send", "receive"],
        )
    return app


def attach_runtime(app: FastAPI, runtime: Runtime[Any]) -> None:
    """Give the app the runtime its routes work with."""
    app.state.runtime = runtime
