"""Persons: the whole picture of one, by id or identifier, and of many at once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from libs.common.errors import Gone
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import exact
from libs.common.http.peers import MAX_BATCH
from services.profile.api.models import TEXT, IdentifierBody, PersonView, person_view
from services.profile.domain.identifier import Identifier
from services.profile.store import persons, trait_facts
from services.profile.store.persons import PersonRow
from services.profile.usecases.find_person import find_by_identifier, find_person, owners_of
from services.profile.usecases.read_person import read_persons

router = APIRouter(prefix="/v1/profile", tags=["persons"])

Reader = Annotated[Caller, Depends(requires("profiles:read"))]
Lineage = Annotated[bool, Query(description="with every fact behind each trait")]
Word = Annotated[str, Query(min_length=1, max_length=500, pattern=TEXT)]
Scope = Annotated[str | None, Query(max_length=200, pattern=TEXT, description="app id or issuer")]


class Lookup(BaseModel):
    """Whom to look up: ids, identifiers, or both; `traits` names those wanted (absent: all)."""

    person_ids: list[UUID] = Field(default=[], max_length=MAX_BATCH)
    identifiers: list[IdentifierBody] = Field(default=[], max_length=MAX_BATCH)
    traits: list[Annotated[str, Field(max_length=200, pattern=TEXT)]] | None = Field(default=None, max_length=500)


class FoundView(BaseModel):
    """Those found, in the order asked (ids before identifiers), and the places of those nobody knows."""

    items: list[PersonView]
    missing_person_ids: list[UUID]
    missing_identifiers: list[int] = Field(description="positions in `identifiers`")


@router.get("/persons/{person_id}", response_model=PersonView)
async def get_person(
    person_id: UUID, caller: Reader, tx: Transaction, runtime: RuntimeOf, lineage: Lineage = False
) -> Response:
    """Return everything known about a person; an id retired by a merge leads to whom it became (410 once erased)."""
    row = await find_person(tx, caller.workspace_id, person_id)
    return await _answer(tx, caller, runtime, row, person_id, lineage=lineage)


@router.get("/persons", response_model=PersonView)
async def get_person_by_identifier(
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    namespace: Word,
    value: Word,
    scope: Scope = None,
    lineage: Lineage = False,
) -> Response:
    """Return everything known about the present owner of an identifier."""
    sealer = runtime.sealer(caller.workspace_id)
    row = await find_by_identifier(tx, caller.workspace_id, Identifier(namespace, value, scope), sealer)
    return await _answer(tx, caller, runtime, row, None, lineage=lineage)


@router.post("/persons/lookup", response_model=FoundView)
async def look_up_persons(body: Lookup, caller: Reader, tx: Transaction, runtime: RuntimeOf) -> Response:
    """Return everything known about up to 500 persons in one call; reading only."""
    workspace_id, sealer = caller.workspace_id, runtime.sealer(caller.workspace_id)
    numbers = await persons.numbers_of(tx, workspace_id, body.person_ids)
    rows = await persons.resolve_persons(tx, workspace_id, numbers.values())
    named = [one.as_identifier() for one in body.identifiers]
    owners = await owners_of(tx, workspace_id, named, sealer)
    found: list[tuple[UUID, PersonRow]] = [
        (asked, rows[numbers[asked]])
        for asked in body.person_ids
        if asked in numbers and rows[numbers[asked]].state != "erased"
    ]
    missing = [asked for asked in body.person_ids if asked not in {known for known, _ in found}]
    owned = [owners[one] for one in named if one in owners]
    found += [(row.person_id, row) for row in owned if row.person_id is not None]
    now = runtime.now(workspace_id)
    portraits = await read_persons(tx, workspace_id, [row for _, row in found], sealer, now=now, traits=body.traits)
    reveal = caller.may("personal:read")
    views = [
        person_view(asked, row, portraits[row.canonical_no], sealer=sealer, reveal=reveal, lineage=None)
        for asked, row in found
    ]
    absent = [place for place, one in enumerate(named) if one not in owners]
    return exact(FoundView(items=views, missing_person_ids=missing, missing_identifiers=absent))


async def _answer(
    tx: Transaction, caller: Caller, runtime: RuntimeOf, row: PersonRow, asked: UUID | None, *, lineage: bool
) -> Response:
    workspace_id, sealer = caller.workspace_id, runtime.sealer(caller.workspace_id)
    person_id = asked or row.person_id
    if person_id is None:
        raise Gone("the person has no public id")
    portrait = (await read_persons(tx, workspace_id, [row], sealer, now=runtime.now(workspace_id)))[row.canonical_no]
    facts = await trait_facts.facts_of_person(tx, workspace_id, row.canonical_no, None, sealer) if lineage else None
    reveal = caller.may("personal:read")
    return exact(person_view(person_id, row, portrait, sealer=sealer, reveal=reveal, lineage=facts))
