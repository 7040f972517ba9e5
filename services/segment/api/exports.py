from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from libs.common.errors import Forbidden, Invalid
from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.http.cells import csv_lines
from libs.common.runtime import Runtime
from services.segment.clients.reach import ANSWERS_AT_ONCE, Reach, reach_persons
from services.segment.store import memberships, persons
from services.segment.usecases.load_segment import load_segment

router = APIRouter(prefix="/v1/segment", tags=["exports"])

Reader = Annotated[Caller, Depends(requires("segments:read"))]
Word = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Form = Literal["csv", "ndjson", "hashed"]
HASHED = {"email": "email_sha256", "sms": "phone_sha256"}
MEDIA = {"csv": "text/csv", "hashed": "text/csv", "ndjson": "application/x-ndjson"}
NEXT = "X-Next-After"


@dataclass(frozen=True)
class _Wanted:
    form: Form
    channel: str
    purpose: str
    topic: str
    traits: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        if self.form == "hashed":
            return [HASHED[self.channel]]
        return ["person_no", "person_id", *(["address"] if self.channel else []), *self.traits]


@router.get("/segments/{segment_id}/export", response_model=None)
async def export_members(
    segment_id: UUID,
    caller: Reader,
    runtime: RuntimeOf,
    form: Form = "ndjson",
    channel: Word | None = None,
    purpose: Word | None = None,
    topic: Word | None = None,
    traits: Annotated[list[Word], Query(max_length=50)] = [],  # noqa: B006 - FastAPI copies defaults
    after: Annotated[int, Query(ge=0, lt=2**31, description="the person_no of the last line received")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000_000, description="how many members at most")] = 1_000_000,
) -> StreamingResponse:
    """Stream the members by number: CSV (formulas neutralised), NDJSON (as it was sent) or SHA-256 for advertisers.

    With `channel` and `purpose` only those who allow it, with their address; `hashed` always asks. Addresses, hashes
    and traits need the right to read personal data. `X-Next-After` is the `after` of the next page, if there is one.
    While profile is away, 503.
    """
    wanted = _Wanted(form, channel or "", purpose or "", topic or "", tuple(dict.fromkeys(traits)))
    _check(wanted, caller)
    async with runtime.database.transaction(caller.workspace_id) as tx:
        await load_segment(tx, workspace_id=caller.workspace_id, segment_id=segment_id)
        last = await memberships.nth_after(tx, caller.workspace_id, segment_id, person_no=after, position=limit)
    lines = _lines(runtime, caller.workspace_id, segment_id, wanted, after=after, last=last)
    # profile may be away: that is an answer of its own, not one that begins as 200 and breaks off
    first = await anext(lines)
    headers = {"Content-Disposition": f'attachment; filename="{segment_id}.{"ndjson" if form == "ndjson" else "csv"}"'}
    headers |= {NEXT: str(last)} if last is not None else {}
    return StreamingResponse(_joined(first, lines), media_type=MEDIA[form], headers=headers)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


def _check(wanted: _Wanted, caller: Caller) -> None:
    if bool(wanted.channel) != bool(wanted.purpose):
        raise Invalid.at("query/purpose", "channel and purpose belong together: what a person allows is both")
    if wanted.topic and not wanted.channel:
        raise Invalid.at("query/topic", "a topic belongs to a channel and a purpose")
    if wanted.form == "hashed" and wanted.channel not in HASHED:
        raise Invalid.at("query/channel", f"a hashed export is by one of: {', '.join(HASHED)}")
    if wanted.form == "hashed" and wanted.traits:
        raise Invalid.at("query/traits", "a hashed export holds hashes alone")
    if (wanted.channel or wanted.traits) and not caller.may("personal:read"):
        raise Forbidden("addresses, hashes and traits need the scope personal:read")


async def _lines(
    runtime: Runtime[Any], workspace_id: int, segment_id: UUID, wanted: _Wanted, *, after: int, last: int | None
) -> AsyncIterator[bytes]:
    """Yield the members in parts, at least one; memory holds one part, whatever the size of the segment."""
    head = csv_lines([wanted.columns]) if wanted.form != "ndjson" and not after else b""
    while True:
        async with runtime.database.transaction(workspace_id) as tx:
            found = await memberships.members_after(
                tx, workspace_id, segment_id, person_no=after, limit=ANSWERS_AT_ONCE
            )
            numbers = [number for number in found if last is None or number <= last]
            ids = await persons.still_there(tx, workspace_id, numbers)
        yield head + await _part(runtime, workspace_id, wanted, list(ids), ids)
        if len(numbers) < ANSWERS_AT_ONCE:
            return
        after, head = numbers[-1], b""


async def _part(
    runtime: Runtime[Any],
    workspace_id: int,
    wanted: _Wanted,
    numbers: Sequence[int],
    ids: dict[int, UUID | None],
) -> bytes:
    if not wanted.channel and not wanted.traits:
        return _written(wanted, [(number, ids.get(number), None) for number in numbers])
    reaches = await reach_persons(
        runtime,
        workspace_id,
        numbers,
        channel=wanted.channel or "email",
        purpose=wanted.purpose or "marketing",
        topic=wanted.topic,
        traits=wanted.traits,
    )
    rows = [
        (number, ids.get(number), reach)
        for number, reach in zip(numbers, reaches, strict=True)
        if not wanted.channel or reach.is_allowed
    ]
    return _written(wanted, rows)


def _written(wanted: _Wanted, rows: Sequence[tuple[int, UUID | None, Reach | None]]) -> bytes:
    if wanted.form == "ndjson":
        return b"".join(msgspec.json.encode(_line(wanted, *row)) + b"\n" for row in rows)
    return csv_lines([_cells(wanted, *row) for row in rows])


def _line(wanted: _Wanted, number: int, person_id: UUID | None, reach: Reach | None) -> dict[str, Any]:
    line: dict[str, Any] = {"person_no": number, "person_id": person_id}
    if wanted.channel and reach is not None:
        line["address"] = reach.address
    if wanted.traits and reach is not None:
        line["traits"] = reach.traits
    return line


def _cells(wanted: _Wanted, number: int, person_id: UUID | None, reach: Reach | None) -> list[str]:
    address = (reach.address if reach is not None else None) or ""
    if wanted.form == "hashed":
        return [sha256(address.strip().lower().encode()).hexdigest()]
    cells = [str(number), str(person_id or ""), *([address] if wanted.channel else [])]
    return cells + [_text(reach.traits.get(name) if reach is not None else None) for name in wanted.traits]


def _text(raw: msgspec.Raw | None) -> str:
    """Return a trait as a cell: a text as it is, anything else as JSON."""
    if raw is None:
        return ""
    value = bytes(raw).decode()
    return str(msgspec.json.decode(value)) if value.startswith('"') else value
