"""Files tried before they are taken: what an import would do to persons, made in the background."""

from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from libs.common.errors import Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.ids import new_id
from services.identity.api.import_files import ImportFile, read_request
from services.identity.settings import IdentitySettings
from services.identity.store import import_previews
from services.identity.store.import_previews import PreviewRow

router = APIRouter(prefix="/v1/imports/previews", tags=["imports"])

Writer = Annotated[Caller, Depends(requires("imports:write"))]


class PreviewRows(BaseModel):
    """What the file's rows are."""

    read: int
    refused: dict[str, int] = Field(description="rows that would be quarantined, by reason")
    duplicate: int = Field(description="rows that are in the record already, with the same content")
    personless: int = Field(description="rows that name nobody")


class PreviewIdentifiers(BaseModel):
    """The identifiers of the file, and those stored that they reach."""

    touched: int
    new: int
    invalid: dict[str, dict[str, int]] = Field(description="values that name nobody, by namespace and reason")
    erased: int = Field(description="mentions of identifiers that were erased: they are left out")


class PreviewPersons(BaseModel):
    """What becomes of those whose identifiers the file touches."""

    before: int
    after: int
    new: int = Field(description="persons of whom no identifier was known")
    merging: int = Field(description="persons who would be one with others")
    merged_into: int = Field(description="how many persons those would be")
    ended: int = Field(description="ids that would lead to another's")
    anchors_lost: int = Field(description="of those ended, how many hold an id of which a person has one only")
    split: int = Field(description="persons who would be several")
    largest_before: int = Field(description="identifiers of the largest person")
    largest_after: int


class PreviewLinks(BaseModel):
    """How many links would be something else than they are."""

    was: str = Field(description="absent, active, or a state with its reason: suppressed(limit:user_id)")
    becomes: str
    count: int


class WorstView(BaseModel):
    """An identifier that joins many, told by the row that names it: its value is in the file."""

    namespace: str
    row: int | None = Field(description="the first row that names it, from 1; null where a hash or a spelling is named")
    joins: int = Field(description="persons too many who would meet at it")
    held: int = Field(description="links at it that the circuit breaker would hold")


class PreviewReport(BaseModel):
    """What taking the file would do, if nothing else comes between and all of it arrives at one moment."""

    rows: PreviewRows
    identifiers: PreviewIdentifiers
    persons: PreviewPersons
    links: list[PreviewLinks]
    links_held: int = Field(description="links that the circuit breaker would hold")
    worst: list[WorstView] = Field(description="the ten identifiers that join or have held the most")
    unjudged: dict[str, int] = Field(description="regions too large to look at, and identifiers in them: not counted")

    @classmethod
    def of(cls, told: dict[str, Any]) -> "PreviewReport":
        """Return the view of a stored report."""
        persons = {name: told[name] for name in PreviewPersons.model_fields if name in told}
        renamed = {name: told[f"persons_{name}"] for name in ("before", "after", "new")}
        rows = {"read": told["rows"], "duplicate": told["duplicates"]}
        return cls(
            rows=PreviewRows(**rows, refused=told["refused"], personless=told["personless"]),
            identifiers=PreviewIdentifiers(
                touched=told["identifiers"], new=told["identifiers_new"], invalid=told["invalid"], erased=told["erased"]
            ),
            persons=PreviewPersons(**persons, **renamed),
            links=[PreviewLinks(was=was, becomes=becomes, count=count) for was, becomes, count in told["links"]],
            links_held=told["held"],
            worst=[WorstView(**one) for one in told["worst"]],
            unjudged={"regions": told["unjudged_regions"], "identifiers": told["unjudged_identifiers"]},
        )


class ImportPreviewView(BaseModel):
    """A preview and how far it is; `rows_read` of `total_rows`, then regions are looked at."""

    preview_id: UUID
    source_id: int
    file_name: str
    file_hash: str
    format: str
    state: Literal["waiting", "running", "done", "failed"]
    total_rows: int
    rows_read: int
    why: str
    created_at: datetime
    finished_at: datetime | None
    report: PreviewReport | None

    @classmethod
    def of(cls, row: PreviewRow) -> "ImportPreviewView":
        """Return the view of a row."""
        named = {name: getattr(row, name) for name in cls.model_fields if name != "report"}
        return cls(**named, report=PreviewReport.of(row.report) if row.report is not None else None)


@router.post("", status_code=202, response_model=None)
async def preview_import_of_file(request: Request, caller: Writer, runtime: RuntimeOf) -> Response:
    """Try a file in full before it is imported, in the background: 202, and the report once it is made.

    The body is that of an import: JSON `{source_id, path, format, mapping}`, or multipart with that JSON as `spec` and
    the `file`. Nothing of it is taken, whatever it says; an uploaded file is deleted when the preview is made. A file
    of more rows than the installation allows (`IDENTITY_PREVIEW_ROWS`) is refused, `too_many_rows`.
    """
    preview_id = new_id()
    asked, file = await read_request(request, runtime, preview_id)
    try:
        source = runtime.directory.source(asked.source_id)
        if source is None or source.workspace_id != caller.workspace_id:
            raise Invalid.at("/source_id", "there is no such source")
        _assert_small_enough(file, cast("IdentitySettings", runtime.settings).preview_rows)
        row = PreviewRow(
            workspace_id=caller.workspace_id, preview_id=preview_id, source_id=asked.source_id, file_name=file.name,
            file_path=str(file.path), file_hash=file.hash, format=file.format, total_rows=file.rows,
            mapping=msgspec.to_builtins(asked.mapping), created_at=runtime.now(caller.workspace_id),
        )  # fmt: skip
        async with runtime.database.transaction(caller.workspace_id) as tx:
            await import_previews.add(tx, row)
            tx.after_commit(lambda: runtime.wake("run_import_previews"))
    except BaseException:
        file.forget()
        raise
    location = {"Location": f"/v1/imports/previews/{preview_id}"}
    return Response(ImportPreviewView.of(row).model_dump_json(), 202, location, "application/json")


def _assert_small_enough(file: ImportFile, most: int) -> None:
    if file.rows > most:
        detail = (
            f"the file has {file.rows} rows, and a preview is made of {most} at most: try it in parts of whole persons"
        )
        raise Invalid.at("/file" if file.uploaded else "/path", detail, code="too_many_rows")


@router.get("")
async def list_import_previews(
    caller: Writer, tx: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[ImportPreviewView]:
    """List previews of imports, newest first."""
    before = decode_cursor(cursor, tuple[UUID])
    rows = await import_previews.list_rows(tx, caller.workspace_id, limit + 1, before[0] if before else None)
    more = encode_cursor(rows[limit - 1].preview_id) if len(rows) > limit else None
    return Page(items=[ImportPreviewView.of(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{preview_id}")
async def get_import_preview(preview_id: UUID, caller: Writer, tx: Transaction) -> ImportPreviewView:
    """Say how far a preview is, and what the import would do once it is made."""
    row = await import_previews.find(tx, caller.workspace_id, preview_id)
    if row is None:
        raise NotFound("there is no such preview")
    return ImportPreviewView.of(row)
