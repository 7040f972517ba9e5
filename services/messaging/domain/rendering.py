"""Liquid to text. Runs inside the sandbox process only: Liquid bounds neither memory nor time by itself."""

import functools
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, Mode, is_undefined
from liquid.exceptions import LiquidError, UndefinedError
from liquid.undefined import FalsyStrictUndefined

from services.messaging.domain.template import Part

MAX_SOURCE_CHARACTERS = 200_000
_FORBIDDEN_TAGS = ("include", "render")
_FORBIDDEN_FILTERS = ("safe",)


class ContentProblem(Exception):
    """A template cannot be rendered; `part` names the piece, `kind` is syntax, missing, limit or header."""

    def __init__(self, part: str, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.part = part
        self.kind = kind
        self.detail = detail


class _Missing(FalsyStrictUndefined):
    """A value that is not there: false in a condition, an error wherever it would be printed."""

    def __eq__(self, other: object) -> bool:
        return other is None or other is False or isinstance(other, _Missing)

    __hash__ = FalsyStrictUndefined.__hash__


def _refuses_missing(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def checked(left: Any, *arguments: Any, **named: Any) -> Any:
        if is_undefined(left):
            raise UndefinedError(f"{left.msg}, and goes into the filter {name!r}", token=None)
        if name == "date" and left in ("now", "today"):
            raise UndefinedError("the clock is not read here: use the value `now`", token=None)
        return function(left, *arguments, **named)

    return checked


def _environment(*, escape: bool) -> Environment:
    class Bounded(Environment):
        loop_iteration_limit = 10_000
        output_stream_limit = 512_000
        local_namespace_limit = 1_000_000
        context_depth_limit = 20
        block_nesting_limit = 20

    environment = Bounded(autoescape=escape, undefined=_Missing, tolerance=Mode.STRICT)
    for name in _FORBIDDEN_TAGS:
        environment.tags.pop(name, None)
    for name in _FORBIDDEN_FILTERS:
        environment.filters.pop(name, None)
    for name, function in list(environment.filters.items()):
        if name != "default":
            environment.filters[name] = _refuses_missing(name, function)
    return environment


_BROKEN = (LiquidError, ArithmeticError, ValueError, TypeError, RecursionError, LookupError, AttributeError)
_ENVIRONMENTS = {"text": _environment(escape=False), "html": _environment(escape=True)}


@lru_cache(maxsize=512)
def _compiled(mode: str, source: str) -> BoundTemplate:
    if len(source) > MAX_SOURCE_CHARACTERS:
        raise ValueError(f"longer than {MAX_SOURCE_CHARACTERS} characters")
    return _ENVIRONMENTS["html" if mode == "html" else "text"].from_string(source)


def check(parts: Sequence[Part]) -> None:
    """Raise ContentProblem for the first part that is not Liquid."""
    for part in parts:
        _compile(part)


def render(parts: Sequence[Part], data: Mapping[str, Any]) -> dict[str, str]:
    """Return each part rendered with the data; raises ContentProblem."""
    rendered = {}
    for part in parts:
        template = _compile(part)
        try:
            text = template.render(data)
        except UndefinedError as error:
            raise ContentProblem(part.name, "missing", _said(error)) from error
        except (
            LiquidError,
            ArithmeticError,
            ValueError,
            TypeError,
            RecursionError,
            LookupError,
            AttributeError,
        ) as error:
            kind = "limit" if "limit" in str(error).lower() else "syntax"
            raise ContentProblem(part.name, kind, _said(error)) from error
        if part.mode == "header":
            text = text.strip()
            if any(character in text for character in "\r\n\0"):
                raise ContentProblem(part.name, "header", "a line break in a header")
        rendered[part.name] = str(text)
    return rendered


def _compile(part: Part) -> BoundTemplate:
    try:
        return _compiled(part.mode, part.source)
    except (LiquidError, ValueError, RecursionError, TypeError) as error:
        raise ContentProblem(part.name, "syntax", _said(error)) from error


def _said(error: Exception) -> str:
    text = error.detailed_message() if hasattr(error, "detailed_message") else str(error)
    return (text or type(error).__name__).strip().splitlines()[0][:300]
