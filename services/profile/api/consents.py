"""Consent: writing to the ledger, reading it with its proofs, the workspace's policy."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, model_validator

from libs.common.errors import Forbidden, Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.exact import exact
from libs.common.http.idempotency import IdempotencyKey, answered_before, remember_answer
from libs.common.http.pages import Limit
from libs.common.http.peers import MAX_BATCH
from libs.common.personal import Sealer
from services.profile.api.models import TEXT, ConsentView, IdentifierBody, Instant
from services.profile.domain.consent import ANY, ConsentWord, Scope
from services.profile.store import consents, persons
from services.profile.store.consents import Line
from services.profile.usecases.add_consents import Statement, add_consents
from services.profile.usecases.declare_policy import declare_policy
from services.profile.usecases.find_person import find_person
from services.profile.usecases.means import means_of

router = APIRouter(prefix="/v1/profile", tags=["consent"])

Reader = Annotated[Caller, Depends(requires("consents:read"))]
Writer = Annotated[Caller, Depends(requires("consents:write"))]
Short = Annotated[str, Field(max_length=200, pattern=TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)]
MAX_AHEAD = timedelta(minutes=5)


class StatementBody(BaseModel):
    """One statement about a person (every identifier he holds) or about one identifier, known or not yet."""

    person_id: UUID | None = None
    person_no: int | None = Field(default=None, ge=1, le=2**31 - 1, description="for services only")
    identifier: IdentifierBody | None = None
    purpose: Name = Field(default="marketing", description="`*` for every purpose")
    channel: Name = Field(default=ANY, description="`*` for every channel")
    topic: Annotated[str, Field(max_length=100, pattern=TEXT)] = Field(default="", description="empty for every topic")
    state: ConsentWord
    at: Instant | None = Field(default=None, description="when it was said; absent: now")
    expires_at: Instant | None = Field(default=None, description="a grant ends then")
    legal_basis: Short = ""
    text_version: Short = ""
    text_hash: Short = ""
    source: Annotated[str, Field(min_length=1, max_length=100, pattern=TEXT)] = "api"
    actor: Short = ""
    proof: dict[str, Any] | None = Field(default=None, max_length=50, description="kept sealed")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        named = [one for one in (self.person_id, self.person_no, self.identifier) if one is not None]
        if len(named) != 1:
            raise ValueError("name exactly one of person_id, person_no and identifier")
        return self


class StatementsBody(BaseModel):
    """Up to 500 statements; they are kept together or not at all."""

    items: list[StatementBody] = Field(min_length=1, max_length=MAX_BATCH)

    @model_validator(mode="before")
    @classmethod
    def _one_alone(cls, value: object) -> object:
        """Read a statement that comes alone as a list of one."""
        return {"items": [value]} if isinstance(value, dict) and "items" not in value else value


class KeptView(BaseModel):
    """The ledger's ids of the statements, in order."""

    statement_ids: list[UUID]


class LineView(BaseModel):
    """A line of the ledger with its ground and proof."""

    statement_id: UUID
    purpose: str
    channel: str
    topic: str
    state: str
    at: datetime
    received_at: datetime
    expires_at: datetime | None
    identifiers: int = Field(description="how many of the person's present identifiers it is about")
    source: str
    legal_basis: str
    text_version: str
    text_hash: str
    actor: str
    proof: Any = Field(description="only for who may read personal data")


class PersonConsents(BaseModel):
    """What a person allows, and every line it follows from, newest first."""

    person_id: UUID
    states: list[ConsentView]
    ledger: list[LineView]


class PolicyEntry(BaseModel):
    """A purpose on a channel (`*`: on every channel without a word of its own)."""

    purpose: Name
    channel: Name = ANY


class Policy(BaseModel):
    """Where silence allows contact (`opt_out`); everywhere else a grant is needed. `opt_in` makes exceptions."""

    opt_out: list[PolicyEntry] = Field(default=[], max_length=200)
    opt_in: list[PolicyEntry] = Field(default=[], max_length=200)


@router.post("/consents", status_code=201)
async def write_consents(
    body: StatementsBody,
    caller: Writer,
    tx: Transaction,
    runtime: RuntimeOf,
    idempotency_key: IdempotencyKey = None,
) -> KeptView:
    """Append statements to the ledger: one, or `items`. They count for the next question asked, at once."""
    workspace_id, asked = caller.workspace_id, body.model_dump(mode="json")
    before = await answered_before(tx, workspace_id=workspace_id, route="consents", key=idempotency_key, body=asked)
    if before is not None:
        return KeptView.model_validate(before)
    now = runtime.now(workspace_id)
    statements = await _statements(tx, caller, body.items, now)
    kept = await add_consents(tx, workspace_id, statements, received_at=now, means=means_of(runtime))
    answer = KeptView(statement_ids=kept)
    shown = answer.model_dump(mode="json")
    await remember_answer(tx, workspace_id=workspace_id, route="consents", key=idempotency_key, answer=shown)
    return answer


@router.get("/persons/{person_id}/consents", response_model=PersonConsents)
async def read_consents(
    person_id: UUID, caller: Reader, tx: Transaction, runtime: RuntimeOf, limit: Limit = 100
) -> Response:
    """Return what a person allows and the newest lines of the ledger behind it."""
    workspace_id = caller.workspace_id
    row = await find_person(tx, workspace_id, person_id)
    published = (await consents.published_of_persons(tx, workspace_id, [row.canonical_no])).get(row.canonical_no, {})
    lines = await consents.lines_of_person(tx, workspace_id, row.canonical_no, limit)
    sealer = runtime.sealer(workspace_id) if caller.may("personal:read") else None
    return exact(
        PersonConsents(
            person_id=person_id,
            states=[
                ConsentView(purpose=s.purpose, channel=s.channel, topic=s.topic, state=p.state, since=p.since)
                for s, p in published.items()
            ],
            ledger=[line_view(line, sealer) for line in lines],
        )
    )


@router.get("/consent-policy")
async def get_policy(caller: Reader, tx: Transaction) -> Policy:
    """Return where the workspace declared that silence allows contact."""
    declared = await consents.load_defaults(tx, caller.workspace_id)
    entries = {
        word: [PolicyEntry(purpose=p, channel=c) for (p, c), opt_out in declared.items() if opt_out is word]
        for word in (True, False)
    }
    return Policy(opt_out=entries[True], opt_in=entries[False])


@router.put("/consent-policy")
async def put_policy(body: Policy, caller: Writer, tx: Transaction, runtime: RuntimeOf) -> Policy:
    """Replace the declarations; the same entry in both lists needs a grant."""
    declared = {(entry.purpose, entry.channel): True for entry in body.opt_out}
    declared |= {(entry.purpose, entry.channel): False for entry in body.opt_in}
    await declare_policy(tx, caller.workspace_id, declared, now=runtime.now(caller.workspace_id))
    return body


def line_view(line: Line, sealer: Sealer | None) -> LineView:
    """Return a line as it is shown; its proof only with a sealer."""
    proof = msgspec.Raw(sealer.open(line.proof)) if sealer is not None and line.proof is not None else None
    return LineView(
        statement_id=line.statement_id, purpose=line.scope.purpose, channel=line.scope.channel, topic=line.scope.topic,
        state=line.state, at=line.event_time, received_at=line.received_at, expires_at=line.expires_at,
        identifiers=line.identifiers, source=line.source, legal_basis=line.legal_basis, text_version=line.text_version,
        text_hash=line.text_hash, actor=line.actor, proof=proof,
    )  # fmt: skip


async def _statements(tx: Transaction, caller: Caller, said: list[StatementBody], now: datetime) -> list[Statement]:
    numbers = await persons.numbers_of(tx, caller.workspace_id, [one.person_id for one in said if one.person_id])
    rows = await persons.resolve_persons(tx, caller.workspace_id, numbers.values())
    return [
        Statement(
            scope=Scope(one.purpose, one.channel, one.topic),
            state=one.state,
            event_time=_instant(one, now, place),
            person_no=_target(one, caller, numbers, {n: row.canonical_no for n, row in rows.items()}, place),
            identifier=one.identifier.as_identifier() if one.identifier is not None else None,
            expires_at=one.expires_at,
            source=one.source,
            source_id=caller.key.source_id if caller.key is not None else 0,
            legal_basis=one.legal_basis,
            text_version=one.text_version,
            text_hash=one.text_hash,
            actor=one.actor or caller.name,
            proof=msgspec.json.encode(one.proof) if one.proof is not None else None,
        )
        for place, one in enumerate(said)
    ]


def _instant(one: StatementBody, now: datetime, place: int) -> datetime:
    if one.at is not None and one.at > now + MAX_AHEAD:
        raise Invalid.at(f"/items/{place}/at", "this lies in the future")
    return one.at or now


def _target(one: StatementBody, caller: Caller, numbers: dict[UUID, int], canonical: dict[int, int], place: int) -> int:
    if one.person_no is not None:
        if caller.kind != "service":
            raise Forbidden("person_no is for services; name the person by id or identifier")
        return one.person_no
    if one.person_id is None:
        return 0
    if one.person_id not in numbers:
        raise NotFound(f"items[{place}]: there is no such person")
    return canonical[numbers[one.person_id]]
