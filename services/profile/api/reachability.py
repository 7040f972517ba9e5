"""The question asked at the moment of sending."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from libs.common import backlog
from libs.common.http.callers import Caller, RuntimeOf, Transaction, internal
from libs.common.http.exact import exact
from libs.common.http.peers import MAX_BATCH
from services.profile.api.models import CONTACT_STATE, SHARED_WITH, TEXT
from services.profile.domain.consent import Scope
from services.profile.usecases.answer_reachability import Question, answer_reachability

router = APIRouter(prefix="/v1/profile", tags=["consent"])

Word = Annotated[str, Field(max_length=200, pattern=TEXT)]


class QuestionBody(BaseModel):
    """May this person be written to on this channel for this purpose (and topic), and where."""

    person_no: int = Field(ge=0, le=2**31 - 1)
    channel: Word
    purpose: Word
    topic: Word | None = None


class ReachabilityBody(BaseModel):
    """Up to 500 questions; `traits` names those wanted for rendering."""

    questions: list[QuestionBody] = Field(max_length=MAX_BATCH)
    traits: list[Word] = Field(default=[], max_length=500)


class ReachView(BaseModel):
    """An answer; the address is in clear, which is why only services may ask."""

    person_no: int
    person_id: UUID | None
    channel: str
    purpose: str
    topic: str
    state: str = Field(description="granted, denied, withdrawn or unknown; granted too where silence allows")
    by: str | None = Field(description="what decided: topic, channel, purpose, workspace, opt_out")
    statement_id: UUID | None
    address: str | None = Field(description="null where there is none, and where the only one is taken")
    contact_state: str | None = Field(description=CONTACT_STATE)
    shared: bool = Field(description="other persons have the address too")
    shared_with: int = Field(description=SHARED_WITH)
    timezone: str | None
    locale: str | None
    traits: dict[str, Any]


class ReachabilityView(BaseModel):
    """One answer a question, in order; all that was received before `watermark` is in it."""

    answers: list[ReachView]
    watermark: Any


@router.post("/reachability", response_model=ReachabilityView)
async def ask_reachability(
    body: ReachabilityBody, caller: Annotated[Caller, Depends(internal())], tx: Transaction, runtime: RuntimeOf
) -> Response:
    """Answer from the ledger itself, never from a copy; the caller holds the answer for two seconds at most."""
    workspace_id = caller.workspace_id
    # before the read: the answer may be newer than the mark it carries, never older
    watermark = await backlog.watermark(runtime, workspace_id)
    questions = [Question(q.person_no, Scope(q.purpose, q.channel, q.topic or "")) for q in body.questions]
    reaches = await answer_reachability(
        tx,
        workspace_id,
        questions,
        traits=body.traits,
        sealer=runtime.sealer(workspace_id),
        now=runtime.now(workspace_id),
    )
    answers = [
        ReachView(
            person_no=one.person_no, person_id=one.person_id, channel=one.scope.channel, purpose=one.scope.purpose,
            topic=one.scope.topic, state=one.state, by=one.by, statement_id=one.statement_id, address=one.address,
            contact_state=one.contact_state, shared=one.shared_with > 0, shared_with=one.shared_with,
            timezone=one.timezone, locale=one.locale, traits=dict(one.traits),
        )
        for one in reaches
    ]  # fmt: skip
    return exact(ReachabilityView(answers=answers, watermark=watermark))
