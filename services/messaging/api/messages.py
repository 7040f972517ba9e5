"""Messages: asking for one, what became of it, and why he did not get it."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.errors import Invalid, NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.idempotency import IdempotencyKey, answered_before, remember_answer
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from services.messaging.api.message_views import MessageContent, MessageView, Summary, summary_of, trace_of
from services.messaging.api.templates import check_template, find_template
from services.messaging.api.words import TEXT, ChannelName, Instant, JsonObject, Liquid, Name, Word
from services.messaging.clients.persons import PersonAnswer, find_by_identifier, find_person
from services.messaging.domain.compose import inline_template
from services.messaging.store.handoffs import load_handoffs
from services.messaging.store.intents import load_intents
from services.messaging.store.message_views import Choice, list_messages
from services.messaging.store.steps import trails
from services.messaging.usecases.request_message import Request, request_message

router = APIRouter(prefix="/v1/messaging", tags=["messages"])

Reader = Annotated[Caller, Depends(requires("messages:read"))]
Sender = Annotated[Caller, Depends(requires("messages:send"))]
Unmasked = Annotated[Caller, Depends(requires("personal:read"))]
ROUTE = "messages"


class IdentifierBody(BaseModel):
    """A person by one of his identifiers."""

    namespace: Name
    value: Annotated[str, Field(min_length=1, max_length=500, pattern=TEXT)]


class ContentBody(BaseModel):
    """A message's own content, instead of a template."""

    model_config = ConfigDict(extra="forbid")

    subject: Liquid = ""
    text: Liquid = ""
    html: Liquid = ""
    action_label: Liquid = ""
    action_url: Liquid = ""


class MessageBody(BaseModel):
    """What to tell whom, by which channels in order of preference."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    person_id: UUID | None = None
    identifier: IdentifierBody | None = None
    channels: list[ChannelName] = Field(min_length=1, max_length=10)
    message_class: Literal["transactional", "service", "marketing"] = Field(default="transactional", alias="class")
    purpose: Word = ""
    template: Word | None = None
    content: ContentBody | None = None
    data: JsonObject = {}
    key: Name | None = None
    content_key: Word | None = None
    category: Word = ""
    campaign: Word = ""
    topic: Word = ""
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    value: float = Field(default=0.0, allow_inf_nan=False)
    on_lose: Literal["drop", "defer"] = "drop"
    due_at: Instant | None = None
    expires_at: Instant | None = None
    fallback_after: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=30))] | None = None

    @model_validator(mode="after")
    def _one_person_one_content(self) -> Self:
        if (self.person_id is None) == (self.identifier is None):
            raise ValueError("give either person_id or identifier")
        if (self.template is None) == (self.content is None):
            raise ValueError("give either template or content")
        return self


class RequestedView(BaseModel):
    """The message that will be decided about; `duplicate` when its key was used before."""

    message_id: UUID
    duplicate: bool


async def _person(body: MessageBody, caller: Caller, runtime: RuntimeOf) -> PersonAnswer:
    if body.person_id is not None:
        return await find_person(runtime.peers, caller.workspace_id, body.person_id)
    if body.identifier is None:
        raise Invalid.at("/person_id", "whom?", "missing")
    found = body.identifier
    return await find_by_identifier(runtime.peers, caller.workspace_id, found.namespace, found.value)


async def _check(body: MessageBody, caller: Caller, runtime: RuntimeOf) -> None:
    known = runtime.parts.channels
    for place, channel in enumerate(body.channels):
        if channel not in known:
            raise Invalid.at(f"/channels/{place}", f"one of {', '.join(known)}", "unknown_channel")
        if channel in body.channels[:place]:
            raise Invalid.at(f"/channels/{place}", "this channel is named twice", "duplicate")
    if body.content is not None:
        await check_template(runtime.parts, inline_template(body.content.model_dump()))
    else:
        async with runtime.database.transaction(caller.workspace_id) as tx:
            try:
                await find_template(tx, caller.workspace_id, body.template or "")
            except NotFound as problem:
                raise Invalid.at("/template", problem.detail, "unknown_template") from problem


@router.post("/messages", status_code=202)
async def post_message(
    body: MessageBody,
    caller: Sender,
    runtime: RuntimeOf,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RequestedView:
    """Ask for a message to one person; what became of it is told by GET. 200 when its key was used before."""
    await _check(body, caller, runtime)
    person = await _person(body, caller, runtime)
    workspace_id, fingerprint = caller.workspace_id, body.model_dump(mode="json")
    async with runtime.database.transaction(workspace_id) as tx:
        answer = await answered_before(
            tx, workspace_id=workspace_id, route=ROUTE, key=idempotency_key, body=fingerprint
        )
        if answer is None:
            message_id, is_new = await request_message(
                tx,
                workspace_id,
                _request(body, person),
                sealer=runtime.sealer(workspace_id),
                now=runtime.now(workspace_id),
            )
            answer = {"message_id": str(message_id), "duplicate": not is_new}
            await remember_answer(tx, workspace_id=workspace_id, route=ROUTE, key=idempotency_key, answer=answer)
            tx.after_commit(lambda: runtime.wake("send_due_messages"))
    view = RequestedView.model_validate(answer)
    response.status_code = 200 if view.duplicate else 202
    return view


def _request(body: MessageBody, person: PersonAnswer) -> Request:
    fallback = body.fallback_after
    return Request(
        person_no=person.person_no,
        asked_no=person.asked_no,
        person_id=person.person_id,
        channels=tuple(body.channels),
        message_class=body.message_class,
        purpose=body.purpose or ("transactional" if body.message_class == "transactional" else "marketing"),
        template_key=body.template,
        content={k: v for k, v in body.content.model_dump().items() if v} if body.content is not None else None,
        data=body.data,
        key=body.key,
        content_key=body.content_key,
        category=body.category,
        campaign=body.campaign,
        topic=body.topic,
        priority=body.priority,
        value=body.value,
        on_lose=body.on_lose,
        due_at=body.due_at,
        expires_at=body.expires_at,
        fallback_after_seconds=fallback.total_seconds() if fallback is not None else None,
    )


@router.get("/messages/{message_id}")
async def get_message(message_id: UUID, caller: Reader, tx: Transaction) -> MessageView:
    """Tell everything about a message: each decision with its reason and the values behind it, each attempt."""
    found = await load_intents(tx, caller.workspace_id, [message_id])
    if not found:
        raise NotFound("there is no such message")
    lines = await trails(tx, caller.workspace_id, [message_id])
    return trace_of(found[0], lines, await load_handoffs(tx, caller.workspace_id, [message_id]))


@router.get("/messages/{message_id}/content")
async def get_content(message_id: UUID, caller: Unmasked, runtime: RuntimeOf, tx: Transaction) -> MessageContent:
    """Show what was handed over, as it was; personal, so it needs the right to see such values."""
    handoffs = await load_handoffs(tx, caller.workspace_id, [message_id])
    shown = [h for h in handoffs if h.content_sealed is not None]
    if not shown:
        raise NotFound("nothing of this message was handed over")
    last = shown[-1]
    content = runtime.sealer(caller.workspace_id).open_json(last.content_sealed or "")
    return MessageContent(
        channel=last.channel, language=last.language, template_version=last.template_version, content=content
    )


@router.get("/messages")
async def get_messages(
    caller: Reader,
    runtime: RuntimeOf,
    person_id: UUID | None = None,
    journey_id: UUID | None = None,
    run_id: UUID | None = None,
    node: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    campaign_id: UUID | None = None,
    state: Annotated[str | None, Query(max_length=40, pattern=TEXT)] = None,
    reason: Annotated[str | None, Query(max_length=40, pattern=TEXT)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Summary]:
    """List messages, newest first: of a person ("why did he not get it"), a journey, a state."""
    before = decode_cursor(cursor, tuple[UUID])
    person_no = None
    if person_id is not None:
        person_no = (await find_person(runtime.peers, caller.workspace_id, person_id, "query/person_id")).person_no
    choice = Choice(person_no, journey_id, run_id, node, campaign_id, state, reason)
    async with runtime.database.transaction(caller.workspace_id) as tx:
        found = await list_messages(
            tx, caller.workspace_id, choice, limit=limit + 1, before=before[0] if before else None
        )
    more = encode_cursor(found[limit - 1].intent.intent_id) if len(found) > limit else None
    return Page(items=[summary_of(stored) for stored in found[:limit]], next_cursor=more)
