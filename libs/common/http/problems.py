"""Problems as HTTP says them: RFC 9457, with a JSON pointer for every field at fault."""

import logging
from traceback import extract_tb
from typing import Any, cast

import msgspec
from asyncpg import PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from libs.common import errors as kinds
from libs.common.bus.transient import is_transient
from libs.common.db.unstorable import is_unstorable
from libs.common.errors import FieldError, Problem

log = logging.getLogger(__name__)

STATUS: dict[type[Problem], int] = {
    kinds.Malformed: 400,
    kinds.Unauthorized: 401,
    kinds.Forbidden: 403,
    kinds.NotFound: 404,
    kinds.Conflict: 409,
    kinds.Gone: 410,
    kinds.PayloadTooLarge: 413,
    kinds.UnsupportedMedia: 415,
    kinds.Invalid: 422,
    kinds.TooMany: 429,
    kinds.Unavailable: 503,
}
PROBLEM_JSON = "application/problem+json"


def problem_of_status(status: int) -> type[Problem]:
    """Return the kind of problem an HTTP status stands for."""
    by_status = {number: kind for kind, number in STATUS.items()}
    return by_status.get(status, kinds.Unavailable if status >= 500 else kinds.Invalid)


def problem_response(problem: Problem) -> Response:
    """Return a problem as application/problem+json."""
    # a service's own kind of a problem has the number of what it is a kind of
    status = next((STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS), 400)
    body: dict[str, Any] = {
        "type": f"urn:rapport:problem:{problem.code or type(problem).__name__.lower()}",
        "title": problem.title,
        "status": status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    headers = {}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, round(problem.retry_after_seconds)))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="rapport"'
    return Response(msgspec.json.encode(body), status, headers, media_type=PROBLEM_JSON)


def pointer_of(location: tuple[int | str, ...]) -> str:
    """Return pydantic's location as a pointer: into the body, or `query/…`, `path/…`, `header/…`."""
    place, *rest = location or ("",)
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    if place == "body":
        return f"/{path}" if path else ""
    return f"{place}/{path}"


async def _on_problem(_request: Request, error: Exception) -> Response:
    return problem_response(cast(Problem, error))


async def _on_validation(_request: Request, error: Exception) -> Response:
    complaints = cast(RequestValidationError, error).errors()
    broken = [e for e in complaints if e["type"] == "json_invalid"]
    if broken:
        position = broken[0].get("ctx", {}).get("error", broken[0]["msg"])
        return problem_response(kinds.Malformed(f"the body is not JSON: {position}"))
    found = [FieldError(pointer=pointer_of(tuple(e["loc"])), detail=e["msg"], code=e["type"]) for e in complaints]
    first = found[0] if found else FieldError(pointer="", detail="invalid")
    where = first.pointer or "the body"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return problem_response(kinds.Invalid(f"{where}: {first.detail}{more}", errors=found))


async def _on_http(_request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    if error.status_code == 405:
        body = {
            "type": "about:blank",
            "title": "Method Not Allowed",
            "status": 405,
            "detail": "this path has other methods",
        }
        return Response(msgspec.json.encode(body), 405, error.headers, media_type=PROBLEM_JSON)
    if error.status_code == 400:
        return problem_response(kinds.Malformed(str(error.detail)))
    return problem_response(problem_of_status(error.status_code)(str(error.detail)))


async def _on_decode(_request: Request, error: Exception) -> Response:
    if isinstance(error, msgspec.ValidationError):
        return problem_response(invalid_from_msgspec(error))
    return problem_response(kinds.Malformed(f"the body is not JSON: {error}"))


async def _on_unicode(_request: Request, error: Exception) -> Response:
    if isinstance(error, UnicodeEncodeError):
        return problem_response(kinds.Malformed("a text holds half of a surrogate pair; it is no Unicode"))
    return problem_response(kinds.Malformed("the body is not UTF-8"))


async def _on_depth(request: Request, error: Exception) -> Response:
    log.warning("a request was nested too deeply", extra={"path": request.url.path, "place": _place(error)})
    return problem_response(kinds.Malformed("the body is nested too deeply"))


def _place(error: Exception) -> str:
    """Return the innermost line of a service's own code that the error came through."""
    frames = [frame for frame in extract_tb(error.__traceback__) if "/services/" in frame.filename]
    return f"{frames[-1].filename.partition('/services/')[2]}:{frames[-1].lineno}" if frames else ""


async def _on_database(request: Request, error: Exception) -> Response:
    if not is_unstorable(error):
        raise error
    # The net below the rooms' own checks, which name the field. Without the error's text: it quotes the value.
    said = {"path": request.url.path, "error": type(error).__name__, "place": _place(error)}
    log.warning("a value could not be stored", extra=said)
    return problem_response(
        kinds.Invalid("a value cannot be kept: text holds no NUL character, numbers and dates have their bounds")
    )


async def _on_anything(request: Request, error: Exception) -> Response:
    if is_transient(error):
        log.warning("a request met a part that is away", exc_info=error, extra={"path": request.url.path})
        away = "a part this needs (database or bus) is away or overloaded; try again"
        return problem_response(kinds.Unavailable(away, retry_after_seconds=1))
    log.error("a request failed", exc_info=error, extra={"path": request.url.path})
    body = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the fault is ours; it is in the log",
    }
    return Response(msgspec.json.encode(body), 500, media_type=PROBLEM_JSON)


def invalid_from_msgspec(error: msgspec.ValidationError) -> kinds.Invalid:
    """Return msgspec's complaint with its `$.a[0].b` path as a pointer."""
    text = str(error)
    detail, _, path = text.partition(" - at `")
    pointer = (
        path.rstrip("`").removeprefix("$").replace("[...]", "/*").replace("[", "/").replace("]", "").replace(".", "/")
    )
    return kinds.Invalid.at(pointer, detail)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem+json answer."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(msgspec.DecodeError, _on_decode)
    app.add_exception_handler(UnicodeError, _on_unicode)
    app.add_exception_handler(RecursionError, _on_depth)
    app.add_exception_handler(PostgresError, _on_database)
    app.add_exception_handler(DBAPIError, _on_database)
    app.add_exception_handler(Exception, _on_anything)
