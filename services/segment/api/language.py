from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from libs.common.http.callers import Caller, requires
from services.segment.usecases.document_language import schema_text

router = APIRouter(prefix="/v1/segment", tags=["segments"])

Reader = Annotated[Caller, Depends(requires("segments:read"))]


@cache
def _schema() -> bytes:
    return schema_text()


@router.get("/schema", response_class=Response, responses={200: {"content": {"application/schema+json": {}}}})
async def schema(_caller: Reader) -> Response:
    """Return the JSON Schema (draft 2020-12) of a segment's definition."""
    return Response(_schema(), media_type="application/schema+json")
