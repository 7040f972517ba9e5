"""A person's right of access: the whole export; and the receipts of erasures."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import exact
from services.profile.api.consents import LineView, line_view
from services.profile.api.models import FactView, PersonView, fact_view, person_view
from services.profile.api.timelines import EntryView, entry_view
from services.profile.store import consents, erasure, persons, timeline, trait_facts
from services.profile.store.timeline import Choice
from services.profile.usecases.find_person import find_person
from services.profile.usecases.read_person import read_persons

router = APIRouter(prefix="/v1/profile", tags=["access and erasure"])

MAX_ROWS = 10_000


class NamedFact(FactView):
    """A fact with its trait's name."""

    trait: str


class Export(BaseModel):
    """Everything this service holds about a person, in clear."""

    person: PersonView
    facts: list[NamedFact]
    timeline: list[EntryView] = Field(description=f"the newest {MAX_ROWS} rows; older ones by the timeline's pages")
    timeline_complete: bool
    consent_ledger: list[LineView]


class ReceiptView(BaseModel):
    """Proof that a person's data is gone here: how many rows of which table."""

    erasure_id: UUID
    person_id: UUID
    counts: dict[str, Any]
    erased_at: datetime


@router.get("/persons/{person_id}/export", response_model=Export)
async def export_person(
    person_id: UUID, caller: Annotated[Caller, Depends(requires("personal:read"))], tx: Transaction, runtime: RuntimeOf
) -> Response:
    """Return everything known about a person, personal values in clear."""
    workspace_id, sealer = caller.workspace_id, runtime.sealer(caller.workspace_id)
    row = await find_person(tx, workspace_id, person_id)
    number = row.canonical_no
    portrait = (await read_persons(tx, workspace_id, [row], sealer, now=runtime.now(workspace_id)))[number]
    facts = await trait_facts.facts_of_person(tx, workspace_id, number, None, sealer)
    aliases = (await persons.aliases_of(tx, workspace_id, [number]))[number]
    entries = await timeline.read_timeline(tx, workspace_id, number, aliases, Choice(), MAX_ROWS + 1)
    lines = await consents.lines_of_person(tx, workspace_id, number, MAX_ROWS)
    export = Export(
        person=person_view(person_id, row, portrait, sealer=sealer, reveal=True, lineage=None),
        facts=[NamedFact(trait=f.trait, **fact_view(f.fact, reveal=True).model_dump()) for f in facts],
        timeline=[entry_view(entry, sealer) for entry in entries[:MAX_ROWS]],
        timeline_complete=len(entries) <= MAX_ROWS,
        consent_ledger=[line_view(line, sealer) for line in lines],
    )
    return exact(export)


@router.get("/erasures/{erasure_id}")
async def get_receipt(
    erasure_id: UUID, caller: Annotated[Caller, Depends(requires("persons:erase"))], tx: Transaction
) -> ReceiptView:
    """Return the receipt of an erasure; 404 while it is not done here."""
    receipt = await erasure.find_receipt(tx, caller.workspace_id, erasure_id)
    if receipt is None:
        raise NotFound("this erasure is not known or not done here")
    return ReceiptView(
        erasure_id=receipt.erasure_id,
        person_id=receipt.person_id,
        counts=dict(receipt.counts),
        erased_at=receipt.erased_at,
    )
