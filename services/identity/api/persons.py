from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.common.db import Tx
from libs.common.http.callers import Caller, RuntimeOf, Snapshot, TransactionByIndex, requires
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import (
    NAME,
    Change,
    GivenIdentifier,
    IdentifierView,
    LinkView,
    author_of,
    identifier_of,
    parts_of,
    reads_clear,
    view_of_change,
    view_of_link,
)
from services.identity.api.query import STORABLE
from services.identity.usecases.find_person import FoundPerson, find_person, find_person_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.look_up_persons import LookedUp, look_up_persons
from services.identity.usecases.merge_persons import merge_persons
from services.identity.usecases.read_person_then import PersonThen, read_identifier_then, read_person_then
from services.identity.usecases.unmerge_person import unmerge_person

router = APIRouter(prefix="/v1/identity/persons", tags=["persons"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
AsOf = Annotated[AwareDatetime | None, Query(description="an event time: who was one person with whom by then")]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class OwnedIdentifier(IdentifierView):
    """An identifier of a person; `shared` marks one that too many people use to tell them apart.

    `shared(settling)`: it is looked at again in the background, and may tell people apart by then.
    """

    state: str
    subject_no: int
    last_at: datetime | None


class PersonView(BaseModel):
    """A person: `canonical_id` is his id now, whichever of his ids was asked for."""

    person_id: UUID
    canonical_id: UUID
    graph_version: int
    created_at: datetime
    retired_ids: list[UUID]
    identifiers: list[OwnedIdentifier]
    refused: list[LinkView] = Field(description="links to identifiers of others, and why they do not hold")
    as_of: datetime | None = Field(None, description="the event time asked for; the links are not told then")


class LookupBody(BaseModel):
    """Persons by number or id, up to 500 together."""

    model_config = ConfigDict(extra="forbid")

    person_nos: list[Number] = Field([], max_length=500)
    person_ids: list[UUID] = Field([], max_length=500)


class LookedUpView(BaseModel):
    """A person as asked for, and who he is now."""

    person_no: int
    person_id: UUID
    state: str
    canonical_no: int | None
    canonical_id: UUID | None


class LookupAnswer(BaseModel):
    """Those persons that exist."""

    items: list[LookedUpView]


class MergeBody(BaseModel):
    """Two persons who are one."""

    model_config = ConfigDict(extra="forbid")

    person_ids: list[UUID] = Field(min_length=2, max_length=2)
    dry_run: bool = False


class UnmergeBody(BaseModel):
    """The identifiers that are somebody else's: named, or those of an id that was merged."""

    model_config = ConfigDict(extra="forbid")

    leaving: list[GivenIdentifier] = Field([], max_length=50)
    retired_id: UUID | None = None
    dry_run: bool = False


@router.get("/by-identifier")
async def read_person_of(
    caller: Reader,
    tx: Snapshot,
    runtime: RuntimeOf,
    namespace: Annotated[str, Query(pattern=NAME)],
    value: Annotated[str, Query(min_length=1, max_length=512, pattern=STORABLE)],
    scope: Annotated[str, Query(max_length=200, pattern=STORABLE)] = "",
    as_of: AsOf = None,
) -> PersonView:
    """The person who owns an identifier, or was it at an event time."""
    parts = parts_of(runtime)
    policies = await parts.graph.present_policies(tx, caller.workspace_id)
    given = GivenIdentifier(namespace=namespace, scope=scope, value=value)
    identifier = identifier_of(given, parts, policies, pointer="query/value")
    if as_of is not None:
        then = await read_identifier_then(tx, parts.graph, caller.workspace_id, identifier, as_of)
        return _view_then(then, clear=reads_clear(caller))
    found = await find_person_of(tx, parts.graph, caller.workspace_id, identifier)
    return _view(found, clear=reads_clear(caller))


@router.get("/{person_id}")
async def read_person(
    caller: Reader, tx: Snapshot, runtime: RuntimeOf, person_id: UUID, as_of: AsOf = None
) -> PersonView:
    """A person with his identifiers, or those he had at an event time; an id that ended leads to the survivor."""
    if as_of is not None:
        then = await read_person_then(tx, parts_of(runtime).graph, caller.workspace_id, person_id, as_of)
        return _view_then(then, clear=reads_clear(caller))
    found = await find_person(tx, parts_of(runtime).graph, caller.workspace_id, person_id)
    return _view(found, clear=reads_clear(caller))


@router.post("/lookup")
async def look_up(caller: Reader, tx: TransactionByIndex, body: LookupBody) -> LookupAnswer:
    """Many persons by number or id; those that do not exist are left out."""
    found = await look_up_persons(tx, caller.workspace_id, body.person_nos, body.person_ids)
    return LookupAnswer(items=[_looked_up(one) for one in found])


@router.post("/merge")
async def merge(caller: Writer, runtime: RuntimeOf, body: MergeBody) -> Change:
    """Say that two persons are one; `dry_run` tells what would change."""
    graph, (one, other) = parts_of(runtime).graph, body.person_ids
    batch = await change_graph(
        runtime,
        caller.workspace_id,
        lambda tx: merge_persons(tx, graph, caller.workspace_id, one, other, author=author_of(caller)),
        dry_run=body.dry_run,
    )
    return view_of_change(batch, dry_run=body.dry_run, clear=reads_clear(caller))


@router.post("/{person_id}/unmerge")
async def unmerge(caller: Writer, runtime: RuntimeOf, person_id: UUID, body: UnmergeBody) -> Change:
    """Part identifiers from a person, for good; a retired id comes back; `dry_run` tells what would change."""
    parts = parts_of(runtime)

    async def work(tx: Tx) -> Batch:
        policies = await parts.graph.present_policies(tx, caller.workspace_id)
        leaving = [
            identifier_of(one, parts, policies, pointer=f"/leaving/{position}")
            for position, one in enumerate(body.leaving)
        ]
        return await unmerge_person(
            tx, parts.graph, caller.workspace_id, person_id,
            leaving=leaving, retired_id=body.retired_id, author=author_of(caller),
        )  # fmt: skip

    batch = await change_graph(runtime, caller.workspace_id, work, dry_run=body.dry_run)
    return view_of_change(batch, dry_run=body.dry_run, clear=reads_clear(caller))


def _view(found: FoundPerson, *, clear: bool) -> PersonView:
    mine = set(found.mine)
    component = found.component
    refused = [
        link for pair, link in component.links.items() if link.state not in {"", "active"} or not mine.issuperset(pair)
    ]
    return PersonView(
        person_id=found.asked,
        canonical_id=found.person.person_id,
        graph_version=found.person.graph_version,
        created_at=found.person.created_at,
        retired_ids=[row.person_id for row in found.retired],
        identifiers=[_owned(found, one, clear=clear) for one in found.mine],
        refused=[view_of_link(component, link, clear=clear) for link in refused if link.state],
    )


def _view_then(then: PersonThen, *, clear: bool) -> PersonView:
    return PersonView(
        person_id=then.asked,
        canonical_id=then.person.person_id,
        graph_version=then.person.graph_version,
        created_at=then.person.created_at,
        retired_ids=[],
        identifiers=[
            OwnedIdentifier(
                **IdentifierView.of(one, clear=clear).model_dump(),
                state="shared" if one in then.shared else "active",
                subject_no=then.subject_nos[one],
                last_at=None,
            )
            for one in then.identifiers
        ],
        refused=[],
        as_of=then.at,
    )


def _owned(found: FoundPerson, one: int, *, clear: bool) -> OwnedIdentifier:
    row = found.component.nodes[one]
    seen = [at for link in found.component.around(one) if (at := link.facts.activity) is not None]
    seen += [row.alone_at] if row.alone_at is not None else []
    view = IdentifierView.of(found.component.names[one], clear=clear)
    return OwnedIdentifier(
        **view.model_dump(),
        state=_state(found, one),
        subject_no=row.node_no,
        last_at=max(seen, default=None),
    )


def _state(found: FoundPerson, one: int) -> str:
    if one in found.component.settling:
        return "shared(settling)"
    return "shared" if found.component.nodes[one].is_shared else "active"


def _looked_up(one: LookedUp) -> LookedUpView:
    return LookedUpView(
        person_no=one.person.person_no,
        person_id=one.person.person_id,
        state=one.person.state,
        canonical_no=one.living.person_no if one.living else None,
        canonical_id=one.living.person_id if one.living else None,
    )
