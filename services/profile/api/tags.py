"""Tags: the catalogue, giving them by hand, and why somebody has one."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field, model_validator

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import exact
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.http.peers import MAX_BATCH
from services.profile.api.exact import body_schema, exact_body
from services.profile.api.models import TEXT, Instant, TagValue, tag_value
from services.profile.clients.segment import check_rule
from services.profile.domain.keys import PersonKey
from services.profile.domain.tag import NAME_LENGTH, FilterOp, PropertyFilter, Refresh, Tag, TagKind
from services.profile.domain.values import parse_json
from services.profile.store import persons, tag_facts, tags
from services.profile.store.tag_facts import TagKey
from services.profile.store.tags import TagRow
from services.profile.usecases.assign_tag import assign_tag
from services.profile.usecases.define_tag import define_tag
from services.profile.usecases.find_person import find_person

router = APIRouter(prefix="/v1/profile", tags=["tags"])

Reader = Annotated[Caller, Depends(requires("profiles:read"))]
Writer = Annotated[Caller, Depends(requires("profiles:write"))]
TagName = Annotated[str, Path(min_length=1, max_length=NAME_LENGTH, pattern=TEXT)]
Short = Annotated[str, Field(max_length=200, pattern=TEXT)]
Operand = str | bool | int | float
LONGEST_SECONDS = 10 * 366 * 86_400


class FilterBody(BaseModel):
    """A plain property of the event: `equals` and `in` mean the same value of the same type."""

    prop: Annotated[str, Field(min_length=1, max_length=200, pattern=TEXT)]
    op: FilterOp = "equals"
    value: Operand | list[Operand] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        fits = {
            "exists": self.value is None,
            "in": isinstance(self.value, list) and len(self.value) <= MAX_BATCH,
            "starts_with": isinstance(self.value, str),
            "equals": self.value is not None and not isinstance(self.value, list),
        }
        if not fits[self.op]:
            raise ValueError(f"this value does not fit `{self.op}`")
        return self


class TagBody(BaseModel):
    """A tag: given by hand, by an event (name and filters), or by a rule in the language of segments.

    `ttl_seconds`: how long it is had after it was given or last held. A rule that streams is asked about whoever was
    touched by anything; every rule is asked about everybody once a day.
    """

    group: Short = ""
    owner: Short = ""
    description: Annotated[str, Field(max_length=2000, pattern=TEXT)] = ""
    kind: TagKind
    refresh: Refresh = "streaming"
    ttl_seconds: int | None = Field(default=None, ge=1, le=LONGEST_SECONDS)
    event: Annotated[str, Field(max_length=200, pattern=TEXT)] | None = Field(default=None, min_length=1)
    where: list[FilterBody] = Field(default=[], max_length=20)
    rule: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if (self.event is not None) is not (self.kind == "event"):
            raise ValueError("`event` belongs to the kind event, and to no other")
        if (self.rule is not None) is not (self.kind == "rule"):
            raise ValueError("`rule` belongs to the kind rule, and to no other")
        if self.where and self.kind != "event":
            raise ValueError("`where` filters the event of a tag of kind event")
        return self


class TagView(BaseModel):
    """A tag of the catalogue; `coverage_percent` of the persons known have it now."""

    tag: str
    group: str
    owner: str
    description: str
    kind: TagKind
    refresh: Refresh
    ttl_seconds: int | None
    event: str | None
    where: list[FilterBody]
    rule: Any
    version: int
    changed_at: datetime
    refreshed_at: datetime = Field(description="when the last refresh for everybody began")
    persons: int
    coverage_percent: float


class Assignment(BaseModel):
    """Up to 500 persons who get the tag, and who lose it; `expires_at` instead of the tag's own time to live."""

    assign: list[UUID] = Field(default=[], max_length=MAX_BATCH)
    remove: list[UUID] = Field(default=[], max_length=MAX_BATCH)
    expires_at: Instant | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if set(self.assign) & set(self.remove):
            raise ValueError("nobody can be given the tag and lose it in one call")
        return self


class AssignedView(BaseModel):
    """Of how many persons a word was kept, and the ids it could not be kept of."""

    assigned: int
    removed: int
    unknown: list[UUID] = Field(description="not known, erased, or without an identifier here yet")


class FactView(BaseModel):
    """One word about the tag, by hand or by an event."""

    word: str
    source: str
    at: datetime
    fact_id: UUID = Field(description="of an event: its id")
    rule_version: int
    expires_at: datetime | None


class WhyView(TagValue):
    """A tag with everything it follows from; of a rule, the rule as it is now."""

    group: str
    facts: list[FactView]
    rule: Any = None


class TagsOfPerson(BaseModel):
    """The tags somebody has now."""

    person_id: UUID
    items: list[WhyView]


@router.put("/tags/{tag}", response_model=TagView, openapi_extra=body_schema(TagBody))
async def put_tag(tag: TagName, request: Request, caller: Writer, runtime: RuntimeOf) -> Response:
    """Put a tag into the catalogue, or change it: another rule, event or time to live is a new version."""
    body = await exact_body(request, TagBody)
    workspace_id = caller.workspace_id
    rule = msgspec.json.encode(body.rule).decode() if body.rule is not None else ""
    if rule:
        await check_rule(runtime.peers, workspace_id, rule, "/rule")
    wanted = Tag(
        tag=tag, group=body.group, owner=body.owner, description=body.description, kind=body.kind,
        refresh=body.refresh, ttl_seconds=body.ttl_seconds, event=body.event or "", rule=rule,
        filters=tuple(PropertyFilter(one.prop, one.op, one.value) for one in body.where),
    )  # fmt: skip
    now = runtime.now(workspace_id)
    async with runtime.database.transaction(workspace_id) as tx:
        row = await define_tag(tx, workspace_id, wanted, now=now)
        counts, everybody = await tags.coverage(tx, workspace_id, [tag], now)
        tx.after_commit(lambda: runtime.wake("walk_tags"))
    return exact(_view(row, counts, everybody))


@router.get("/tags", response_model=Page[TagView])
async def list_tags(
    caller: Reader,
    tx: Transaction,
    runtime: RuntimeOf,
    segment: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List the catalogue by name, with how many persons have each tag; with `segment` those whose rule names it."""
    workspace_id = caller.workspace_id
    position = decode_cursor(cursor, tuple[str])
    rows = await tags.page(tx, workspace_id, after=position[0] if position else "", limit=limit + 1, segment_id=segment)
    named = [row.tag.tag for row in rows[:limit]]
    counts, everybody = await tags.coverage(tx, workspace_id, named, runtime.now(workspace_id))
    following = encode_cursor(named[-1]) if len(rows) > limit else None
    return exact(Page(items=[_view(row, counts, everybody) for row in rows[:limit]], next_cursor=following))


@router.get("/tags/{tag}", response_model=TagView)
async def get_tag(tag: TagName, caller: Reader, tx: Transaction, runtime: RuntimeOf) -> Response:
    """Return a tag of the catalogue."""
    row = await _found(tx, caller, tag)
    counts, everybody = await tags.coverage(tx, caller.workspace_id, [tag], runtime.now(caller.workspace_id))
    return exact(_view(row, counts, everybody))


@router.post("/tags/{tag}/persons")
async def assign(tag: TagName, body: Assignment, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> AssignedView:
    """Give a tag to persons by hand, or take it from them; it goes with the identifiers they hold."""
    workspace_id, now = caller.workspace_id, runtime.now(caller.workspace_id)
    row = await _found(tx, caller, tag)
    numbers = await persons.numbers_of(tx, workspace_id, {*body.assign, *body.remove})
    rows = await persons.resolve_persons(tx, workspace_id, numbers.values())
    people = {
        asked: PersonKey(workspace_id, rows[number].canonical_no)
        for asked, number in numbers.items()
        if rows[number].state == "active"
    }
    given = await assign_tag(
        tx,
        {people[one] for one in body.assign if one in people},
        row.tag,
        "assign",
        now=now,
        expires_at=body.expires_at,
    )
    taken = await assign_tag(tx, {people[one] for one in body.remove if one in people}, row.tag, "remove", now=now)
    unknown = [one for one in (*body.assign, *body.remove) if people.get(one) not in given | taken]
    return AssignedView(assigned=len(given), removed=len(taken), unknown=unknown)


@router.get("/persons/{person_id}/tags", response_model=TagsOfPerson)
async def read_tags(person_id: UUID, caller: Reader, tx: Transaction, runtime: RuntimeOf) -> Response:
    """Return the tags somebody has now, and why he has each."""
    workspace_id, now = caller.workspace_id, runtime.now(caller.workspace_id)
    row = await find_person(tx, workspace_id, person_id)
    kept = (await tag_facts.views_of_persons(tx, workspace_id, [row.canonical_no])).get(row.canonical_no, {})
    present = {name: one for name, one in kept.items() if not one.held.is_over(now)}
    facts = await tag_facts.facts_of(tx, [TagKey(workspace_id, row.canonical_no, name) for name in present])
    known = await tags.named(tx, workspace_id, present)
    items = [
        WhyView(
            **tag_value(name, one).model_dump(),
            group=known[name].tag.group if name in known else "",
            rule=parse_json(known[name].tag.rule) if name in known and known[name].tag.rule else None,
            facts=[
                FactView(
                    word=fact.word, source=fact.source, at=fact.at, fact_id=fact.fact_id,
                    rule_version=fact.rule_version, expires_at=fact.expires_at,
                )
                for fact in sorted(facts.get(TagKey(workspace_id, row.canonical_no, name), ()), key=lambda f: f.at)
            ],
        )
        for name, one in present.items()
    ]  # fmt: skip
    return exact(TagsOfPerson(person_id=person_id, items=items))


async def _found(tx: Transaction, caller: Caller, tag: str) -> TagRow:
    row = await tags.one(tx, caller.workspace_id, tag)
    if row is None:
        raise NotFound("there is no such tag")
    return row


def _view(row: TagRow, counts: dict[str, int], everybody: int) -> TagView:
    tag = row.tag
    count = counts.get(tag.tag, 0)
    return TagView(
        tag=tag.tag, group=tag.group, owner=tag.owner, description=tag.description, kind=tag.kind, refresh=tag.refresh,
        ttl_seconds=tag.ttl_seconds, event=tag.event or None,
        where=[FilterBody(prop=one.prop, op=one.op, value=one.value) for one in tag.filters],
        rule=parse_json(tag.rule) if tag.rule else None, version=tag.version, changed_at=row.changed_at,
        refreshed_at=row.refreshed_at, persons=count,
        coverage_percent=round(100 * count / everybody, 2) if everybody else 0.0,
    )  # fmt: skip
