"""The file of an import: uploaded, or one that lies in the import directory already."""

import asyncio
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request

from libs.common.errors import FieldError, Invalid, Malformed, NotFound
from libs.common.runtime import Runtime
from services.identity.domain.mapping import ImportMapping, Value, zone_of
from services.identity.settings import IdentitySettings
from services.identity.store.row_files import Format, count_rows, file_hash, format_of


class ImportAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to import: a `path` in the import directory (or an upload), for which source, by which mapping."""

    source_id: int
    path: str | None = None
    format: Format | None = None
    mapping: ImportMapping = ImportMapping()
    dry_run: bool = False
    live: bool = False


class ImportFile(msgspec.Struct, frozen=True):
    """A file that is in place."""

    name: str
    path: Path
    format: Format
    hash: str
    rows: int
    uploaded: bool

    def forget(self) -> None:
        """Delete the file if it was uploaded for this request alone."""
        if self.uploaded:
            self.path.unlink(missing_ok=True)


async def read_request(request: Request, runtime: Runtime[Any], import_id: UUID) -> tuple[ImportAsked, ImportFile]:
    """Return what is asked and its file; multipart (`spec`, `file`) or JSON with a `path`."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        asked = _asked(await request.body())
        path = _local_path(asked, runtime)
        return asked, await _measured(asked, path, path.name, uploaded=False)
    async with request.form(max_files=1, max_fields=10) as form:
        spec, upload = form.get("spec"), form.get("file")
        if not isinstance(spec, str):
            raise Invalid.at("/spec", "send the import as JSON in the field spec")
        if not isinstance(upload, UploadFile):
            raise Invalid.at("/file", "send the file in the field file")
        asked = _asked(spec.encode())
        name = Path(upload.filename or "upload").name[:200]
        directory = Path(runtime.settings.data_dir) / "imports"
        path = directory / f"{import_id}{''.join(Path(name).suffixes[-2:])[:20]}"
        await asyncio.to_thread(_save, upload, path)
    return asked, await _measured(asked, path, name, uploaded=True)


def _asked(body: bytes) -> ImportAsked:
    try:
        asked = msgspec.json.decode(body, type=ImportAsked)
    except RecursionError as error:
        raise Malformed("the body is too deep") from error
    problems = [
        FieldError(pointer=f"/mapping{pointer}", detail=detail) for pointer, detail in _mapping_problems(asked.mapping)
    ]
    if problems:
        raise Invalid(problems[0].detail, errors=problems)
    return asked


def _mapping_problems(mapping: ImportMapping) -> list[tuple[str, str]]:
    places = [(f"/{name}", getattr(mapping, name)) for name in ("type", "event", "timestamp")]
    places += [(f"/{part}/{name}", value) for part in ("properties", "traits", "context")
               for name, value in getattr(mapping, part).items()]  # fmt: skip
    places += [("/userId", mapping.user_id), ("/anonymousId", mapping.anonymous_id), ("/groupId", mapping.group_id)]
    return [(pointer, problem) for pointer, value in places if value is not None and (problem := _problem(value))]


def _problem(value: Value) -> str | None:
    told = [name for name in ("column", "template", "constant") if getattr(value, name) is not None]
    if len(told) != 1:
        return "name one of column, template and constant"
    try:
        zone_of(value.zone)
    except ValueError as error:
        return str(error)
    return None


def _local_path(asked: ImportAsked, runtime: Runtime[Any]) -> Path:
    settings = runtime.settings
    directory = settings.import_dir if isinstance(settings, IdentitySettings) else ""
    if not asked.path:
        raise Invalid.at("/path", "upload a file, or name one in the import directory")
    if not directory:
        raise Invalid.at("/path", "this installation has no import directory; upload the file")
    base = Path(directory).resolve()
    try:
        path = (base / asked.path).resolve()
        inside = path.is_relative_to(base) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, path = False, base
    if not inside:
        raise NotFound("there is no such file in the import directory")
    return path


def _save(upload: UploadFile, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        shutil.copyfileobj(upload.file, file, 1024 * 1024)
    partial.rename(path)


async def _measured(asked: ImportAsked, path: Path, name: str, *, uploaded: bool) -> ImportFile:
    file_format = asked.format or format_of(name)
    try:
        if file_format is None:
            raise Invalid.at("/format", "say whether the file is csv, ndjson or parquet")
        digest, rows = await asyncio.to_thread(_measure, path, file_format)
    except BaseException:
        if uploaded:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    return ImportFile(name, path, file_format, digest, rows, uploaded)


def _measure(path: Path, file_format: Format) -> tuple[str, int]:
    try:
        return file_hash(path), count_rows(path, file_format)
    except (OSError, ValueError, EOFError) as error:
        raise Invalid.at("/file", f"the file cannot be read as {file_format}: {error}") from error
