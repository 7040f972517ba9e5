"""Shapes that several resources share."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """One thing wrong in a definition."""

    pointer: str
    detail: str
    code: str


class JourneyView(BaseModel):
    """A journey; `problems` are those of its draft."""

    id: UUID
    name: str
    status: Literal["draft", "live", "paused", "stopped"]
    version: int = Field(description="the published version; 0 before the first")
    definition: dict[str, Any] = Field(description="the draft")
    problems: list[Problem] = []
    created_at: datetime
    changed_at: datetime


class VersionView(BaseModel):
    """A published version; it never changes."""

    version: int
    definition: dict[str, Any]
    policy: Literal["pin", "follow"]
    published_at: datetime
    published_by: str


class RunView(BaseModel):
    """A person's way through a journey; `key` is the part of the run key beside the person."""

    id: UUID
    journey_id: UUID
    version: int
    person_id: UUID
    key: str
    state: Literal["active", "waiting", "completed", "exited"]
    reason: str | None
    node: str
    arm: str
    entry_time: datetime
    started_at: datetime
    ended_at: datetime | None
    converted_at: datetime | None
    due_at: datetime | None = Field(description="when it goes on by itself")
