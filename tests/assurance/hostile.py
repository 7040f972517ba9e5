"""What people, programs and attackers send, and what an answer to it must be."""

import asyncio
import base64
import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import httpx

from tests.assurance.furnished import Furnished

T = TypeVar("T")
ONE_IN = 1 if os.environ.get("RAPPORT_EVERY") == "1" else 3
"""How much of each list a place gets, another part each time; with RAPPORT_EVERY=1 every place gets all."""
NEST: Any = "x"
for _ in range(400):
    NEST = {"a": [NEST]}
TELLING = ("a\0b", "\ud800")
"""What a single field forgets to refuse."""
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, -(10**30), 1e308, float("nan"), float("-inf"), "", "\0",
    "x" * 70_000, "\u202e\U0001f600" * 60, "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00",
    "P99999999999Y", [], {}, [None], ["\0"], {"\0": "\0"}, {"\ud800": "\udfff"}, {"a": 10**400}, NEST, [[]] * 3000,
)  # fmt: skip
BROKEN = (
    b"", b"{", b'{"a"', b"\xff\xfe\x00", b'{"a": "\xff"}', b"null", b"[]", b"7", b'"text"', b'{"a": 1}{"a": 2}',
    b"[" * 100_000, b'{"a":' * 50_000, b"1" + b"0" * 6000, b'{"a": 1' + b"0" * 6000 + b"}", b"NaN", b"\x00",
    b"\xef\xbb\xbf{}", b"--boundary\r\n",
)  # fmt: skip
_SOMEBODY = "01990000-0000-7000-8000-000000000000"
_POSITIONS: tuple[Any, ...] = (
    ["\0"], ["\0", "\0"], ["\0", "\0", "\0"], ["\ud800"], [1], [2**40], [-1], [10**30], [None], [[]], {}, "x", [],
    [_SOMEBODY], ["0001-01-01T00:00:00Z", _SOMEBODY], ["9999-12-31T23:59:59Z", _SOMEBODY], ["x", "y", "z"],
    ["2026-03-01T08:00:00", _SOMEBODY], ["2026-03-01T08:00:00", "x"], ["x" * 1000],
)  # fmt: skip
CURSORS = [base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=") for value in _POSITIONS]
IDS = ("0", "-1", "99999999999999999999", "%00", "a%00b", "x" * 3000, "%ED%A0%80", "%FF", "..%2f..", "%F0%9F%98%80")
TEXTS = (
    "", "%00", "x", "%FF", "%ED%A0%80", "x" * 600, "0", "-1", "99999999999999999999", "1e400", "NaN", "null",
    "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2026-99", "%F0%9F%98%80",
)  # fmt: skip
SOUND_QUERY = {"namespace": "user_id", "value": "u-1"}


def part(values: Sequence[T], number: int) -> Sequence[T]:
    """Return the part of a list for place `number`: as many places in a row as there are parts get all of it."""
    return values[number % ONE_IN :: ONE_IN]


def queries(names: Iterable[str], number: int) -> Iterable[str]:
    """Return queries in which one of the known parameters has a hostile value, and some with unknown ones."""
    yield from ("%00=%00", "a" * 5000, "&&==&", "%ED%A0%80=1", "limit=5&limit=6")
    others = {name: value for name, value in SOUND_QUERY.items() if name in names}
    for place, name in enumerate(names, number):
        for value in (*part(TEXTS, place), *(part(CURSORS, place) if name == "cursor" else ())):
            yield "&".join(f"{key}={text}" for key, text in (others | {name: value}).items())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Return where a body holds a value, from the outside in."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from places(item, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """Return a copy of a body with one place changed."""
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


def spoilt(body: Any, of: int = 3 * ONE_IN) -> Iterable[tuple[str, bytes]]:
    """Return a body with a hostile value in each place in turn.

    Each place gets what is telling and every `of`th of the others, another one each time; however few places there are,
    each is in one of them.
    """
    found = list(places(body))
    step = min(of, len(found))
    for number, path in enumerate(found):
        for value in (*TELLING, *VALUES[number % step :: step]):
            content = json.dumps(replaced(body, path, value)).encode()
            yield f"{'/'.join(map(str, path))} = {value!r:.60}", content


def complaint(answer: httpx.Response, said: str) -> str | None:
    """Return what is wrong with an answer to bad input; None when it is as promised."""
    status = answer.status_code
    if status < 400 or answer.request.method == "HEAD":
        return None
    if status >= 500:
        reason = status == 503 and "retry-after" in answer.headers and answer.json()["detail"]
        return None if reason else f"{status}: {said}"
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{status} as {answer.headers.get('content-type')}: {said}"
    body = answer.json()
    if not body.get("title") or not body.get("detail") or body.get("status") != status:
        return f"{status} says {body}: {said}"
    if any(not {"pointer", "detail"} <= set(error) for error in body.get("errors", [])):
        return f"{status} with errors that do not point: {body}"
    return None


class Sender:
    """Sends many requests, a few at once, and keeps what was wrong with the answers."""

    def __init__(self, made: Furnished, at_once: int = 6) -> None:
        self.made = made
        self.wrong: list[str] = []
        self.counts: dict[int, int] = {}
        self._gate = asyncio.Semaphore(at_once)

    async def send(self, said: str, method: str, service: str, path: str, **options: Any) -> httpx.Response:
        """Send one; `said` names it in a complaint."""
        async with self._gate:
            answer: httpx.Response = await self.made.call(method, service, path, **options)
        self.counts[answer.status_code] = self.counts.get(answer.status_code, 0) + 1
        found = complaint(answer, f"{method} {path[:200]} {said[:200]}")
        if found:
            self.wrong.append(found)
        return answer

    async def send_all(self, requests: Iterable[tuple[str, str, str, str, dict[str, Any]]]) -> None:
        """Send all of (what it is, method, service, path, options)."""
        await asyncio.gather(*(self.send(said, *where, **options) for said, *where, options in requests))
