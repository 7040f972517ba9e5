"""Traits: writing them, asking for them in bulk, their rules and the catalogue."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from libs.common.errors import Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import exact
from libs.common.http.peers import MAX_BATCH
from services.profile.api.exact import body_schema, exact_body
from services.profile.api.models import TEXT, Instant
from services.profile.domain.keys import PersonKey
from services.profile.domain.trait import NAME_LENGTH, RuleKind, TraitRule
from services.profile.domain.values import ValueType
from services.profile.store import persons, trait_rules, trait_views
from services.profile.usecases.change_traits import Writing, change_traits
from services.profile.usecases.find_person import find_person
from services.profile.usecases.means import means_of
from services.profile.usecases.set_rule import set_rule

router = APIRouter(prefix="/v1/profile", tags=["traits"])

Reader = Annotated[Caller, Depends(requires("profiles:read"))]
Writer = Annotated[Caller, Depends(requires("profiles:write"))]
TraitName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=TEXT)]
MAX_AHEAD = timedelta(minutes=5)


class TraitsBody(BaseModel):
    """Traits to set; `$set_once` (object) and `$unset` (list of names) are verbs. `at` is when it became so."""

    traits: dict[str, Any] = Field(min_length=1, max_length=500)
    at: Instant | None = None


class WrittenView(BaseModel):
    """The names that were written; null and empty values never overwrite and are left out."""

    written: list[str]


class TraitsQuestion(BaseModel):
    """Which traits of which persons."""

    person_nos: list[Annotated[int, Field(ge=0, le=2**31 - 1)]] = Field(max_length=MAX_BATCH)
    names: list[TraitName] = Field(max_length=200)


class PersonTraits(BaseModel):
    """The traits of one person by name; those he does not have are absent."""

    person_no: int
    traits: dict[str, Any]


class TraitsAnswer(BaseModel):
    """One item a person asked about, in order."""

    items: list[PersonTraits]


class RuleBody(BaseModel):
    """How a trait's facts become one value; facts of another type than the declared one do not count."""

    kind: RuleKind = "most_recent"
    type: ValueType | None = None
    sources: list[Annotated[int, Field(ge=0, le=2**31 - 1)]] = Field(
        default=[], max_length=200, description="sources by strength, before the workspace's own ranks"
    )


class RuleView(RuleBody):
    """A rule as it stands."""

    trait: str
    version: int
    changed_at: datetime


class RulesView(BaseModel):
    """Every rule that was set; other traits follow most_recent."""

    items: list[RuleView]


class CatalogueEntry(BaseModel):
    """A trait that was seen, the types it came in, and whether it holds personal data."""

    trait: str
    types: list[str]
    conflict: bool = Field(description="it came in more than one type")
    personal: bool


class CatalogueView(BaseModel):
    """Every trait ever seen in the workspace."""

    items: list[CatalogueEntry]


class ChangedView(BaseModel):
    """Whether the rule is another now; then everybody's value is folded again in the background."""

    changed: bool


@router.patch("/persons/{person_id}/traits", response_model=WrittenView, openapi_extra=body_schema(TraitsBody))
async def write_traits(
    person_id: UUID, request: Request, caller: Writer, tx: Transaction, runtime: RuntimeOf
) -> Response:
    """Say something of a person's traits: kept as facts of this key's source, folded by each trait's rule."""
    body = await exact_body(request, TraitsBody)
    now = runtime.now(caller.workspace_id)
    if body.at is not None and body.at > now + MAX_AHEAD:
        raise Invalid.at("/at", "this lies in the future")
    row = await find_person(tx, caller.workspace_id, person_id)
    source_id = caller.key.source_id if caller.key is not None else 0
    writing = Writing(values=body.traits, source_id=source_id, event_time=body.at or now, received_at=now)
    written = await change_traits(
        tx,
        PersonKey(caller.workspace_id, row.canonical_no),
        writing,
        means=means_of(runtime),
        overrides=runtime.personal_names(caller.workspace_id),
    )
    return exact(WrittenView(written=written))


@router.post("/questions/traits", response_model=TraitsAnswer)
async def ask_traits(body: TraitsQuestion, caller: Reader, tx: Transaction, runtime: RuntimeOf) -> Response:
    """Answer named traits of up to 500 persons by number; personal ones only to who may read them."""
    workspace_id = caller.workspace_id
    rows = await persons.resolve_persons(tx, workspace_id, body.person_nos)
    canonical = {number: row.canonical_no for number, row in rows.items() if row.state != "erased"}
    sealer = runtime.sealer(workspace_id)
    views = await trait_views.views_of_persons(tx, workspace_id, set(canonical.values()), sealer, traits=body.names)
    reveal = caller.may("personal:read")
    items = [
        PersonTraits(
            person_no=number,
            traits={
                name: msgspec.Raw(known.view.value)
                for name, known in views.get(canonical.get(number, 0), {}).items()
                if known.view.value is not None and (reveal or not known.view.personal)
            },
        )
        for number in body.person_nos
    ]
    return exact(TraitsAnswer(items=items))


@router.get("/trait-rules")
async def list_rules(caller: Reader, tx: Transaction) -> RulesView:
    """List the rules that were set."""
    rows = await trait_rules.list_rules(tx, caller.workspace_id)
    return RulesView(
        items=[
            RuleView(
                trait=row.trait, kind=row.rule.kind, type=row.rule.type, sources=list(row.rule.sources),
                version=row.version, changed_at=row.changed_at,
            )
            for row in rows
        ]
    )  # fmt: skip


@router.put("/trait-rules/{trait}")
async def put_rule(
    trait: Annotated[str, Path(min_length=1, max_length=NAME_LENGTH, pattern=TEXT)],
    body: RuleBody,
    caller: Writer,
    tx: Transaction,
    runtime: RuntimeOf,
) -> ChangedView:
    """Set a trait's rule; the facts stay, so every rule can be taken back."""
    rule = TraitRule(kind=body.kind, type=body.type, sources=tuple(body.sources))
    changed = await set_rule(tx, caller.workspace_id, trait, rule, now=runtime.now(caller.workspace_id))
    if changed:
        tx.after_commit(lambda: runtime.wake("refold_traits"))
    return ChangedView(changed=changed)


@router.get("/traits")
async def list_traits(caller: Reader, tx: Transaction) -> CatalogueView:
    """List every trait ever seen with its types; more than one type is a conflict to settle by a rule."""
    return CatalogueView(
        items=[
            CatalogueEntry(trait=row.trait, types=row.types, conflict=len(row.types) > 1, personal=row.personal)
            for row in await trait_rules.list_catalogue(tx, caller.workspace_id)
        ]
    )
