"""Lists by keyset: `?limit=&cursor=` -> `{"items": [...], "next_cursor": null}`."""

import base64
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from libs.common.errors import Invalid

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=1000, description="how many items at most")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[T]):
    """A part of a list and where the next one begins."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*position: Any) -> str:
    """Return the sort key of the last item as an opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode_cursor(cursor: str | None, kinds: type[T]) -> T | None:
    """Return a cursor's position as the tuple type `kinds`; Invalid for a text that is no cursor of this list."""
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kinds)
    except (ValueError, msgspec.DecodeError) as error:
        raise Invalid.at("query/cursor", "this is not a cursor of this list") from error
