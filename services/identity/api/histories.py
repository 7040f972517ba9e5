from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from libs.common.http.callers import Caller, RuntimeOf, Snapshot, requires
from services.identity.api.graph_models import (
    NAME,
    GivenIdentifier,
    IdentifierView,
    identifier_of,
    parts_of,
    reads_clear,
)
from services.identity.api.query import STORABLE
from services.identity.usecases.read_history import read_identifier_history, read_person_history

router = APIRouter(prefix="/v1/identity", tags=["history"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]


class PersonChange(BaseModel):
    """One thing that happened to a person.

    `gained` and `lost` are about an identifier (`since`: from which event time on its events are the new owner's),
    `absorbed` and `merged` about ids that ended, `revived` about one that came back.
    """

    kind: str
    graph_version: int
    recorded_at: datetime
    since: datetime | None
    identifier: IdentifierView | None
    other_person_id: UUID | None


class PersonHistoryView(BaseModel):
    """What happened to a person, oldest first."""

    person_id: UUID
    state: str
    changes: list[PersonChange]


class OwnedView(BaseModel):
    """An identifier is a person's from a graph version on, for events in [`since`, `until`), all when absent."""

    person_id: UUID
    graph_version: int
    since: datetime | None
    until: datetime | None = None
    recorded_at: datetime


class IdentifierHistoryView(BaseModel):
    """Everything that was said of whose an identifier is, oldest first; the newest that reaches an event counts."""

    subject_no: int
    owners: list[OwnedView]


@router.get("/persons/{person_id}/history")
async def person_history(caller: Reader, tx: Snapshot, runtime: RuntimeOf, person_id: UUID) -> PersonHistoryView:
    """How a person came to be who he is: identifiers that came and went, ids that ended in him or came back."""
    found = await read_person_history(tx, parts_of(runtime).graph, caller.workspace_id, person_id)
    clear = reads_clear(caller)
    return PersonHistoryView(
        person_id=person_id,
        state=found.person.state,
        changes=[
            PersonChange(
                kind=one.kind,
                graph_version=one.version,
                recorded_at=one.recorded_at,
                since=one.since,
                identifier=IdentifierView.of(found.names[one.node_no], clear=clear) if one.node_no else None,
                other_person_id=found.ids.get(one.other_no),
            )
            for one in found.changes
        ],
    )


@router.get("/identifiers/history")
async def identifier_history(
    caller: Reader,
    tx: Snapshot,
    runtime: RuntimeOf,
    namespace: Annotated[str, Query(pattern=NAME)],
    value: Annotated[str, Query(min_length=1, max_length=512, pattern=STORABLE)],
    scope: Annotated[str, Query(max_length=200, pattern=STORABLE)] = "",
) -> IdentifierHistoryView:
    """Whose an identifier was, from which graph version and event time on."""
    parts = parts_of(runtime)
    policies = await parts.graph.present_policies(tx, caller.workspace_id)
    given = GivenIdentifier(namespace=namespace, scope=scope, value=value)
    identifier = identifier_of(given, parts, policies, pointer="query/value")
    found = await read_identifier_history(tx, parts.graph, caller.workspace_id, identifier)
    return IdentifierHistoryView(
        subject_no=found.node_no,
        owners=[
            OwnedView(
                person_id=found.ids[one.person_no],
                graph_version=one.version,
                since=one.since,
                until=one.until,
                recorded_at=one.recorded_at,
            )
            for one in found.owned
        ],
    )
