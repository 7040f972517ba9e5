from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.http.callers import Caller, RuntimeOf, Snapshot, requires
from services.identity.api.graph_models import (
    GivenIdentifier,
    LinkView,
    identifier_of,
    parts_of,
    reads_clear,
    view_of_link,
)
from services.identity.domain.evidence import Identifier
from services.identity.usecases.explain_link import Explanation, explain_link, explain_refusal

router = APIRouter(prefix="/v1/identity", tags=["explanations"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]


class PairBody(BaseModel):
    """Two identifiers."""

    model_config = ConfigDict(extra="forbid")

    a: GivenIdentifier
    b: GivenIdentifier


class EvidenceView(BaseModel):
    """One fact behind a link."""

    event_id: UUID
    kind: str
    tier: int
    source_id: int
    event_time: datetime
    received_at: datetime
    rule_version: int
    author: str | None


class ExplainedLink(LinkView):
    """A link with the youngest facts behind it."""

    evidence: list[EvidenceView]
    refused_count: int = Field(description="facts that spoke for it since somebody said that the two are two")


class ExplanationView(BaseModel):
    """Whether two identifiers are one person, and the links that say so, or that were refused."""

    one_person: bool
    links: list[ExplainedLink]


@router.post("/explain")
async def explain(caller: Reader, tx: Snapshot, runtime: RuntimeOf, body: PairBody) -> ExplanationView:
    """The path of evidence that holds two identifiers together."""
    one, other = await _pair(caller, tx, runtime, body)
    found = await explain_link(tx, parts_of(runtime).graph, caller.workspace_id, one, other)
    return _view(found, clear=reads_clear(caller))


@router.post("/why-not")
async def why_not(caller: Reader, tx: Snapshot, runtime: RuntimeOf, body: PairBody) -> ExplanationView:
    """The links between two persons that were refused, and by what."""
    one, other = await _pair(caller, tx, runtime, body)
    found = await explain_refusal(tx, parts_of(runtime).graph, caller.workspace_id, one, other)
    return _view(found, clear=reads_clear(caller))


async def _pair(caller: Caller, tx: Snapshot, runtime: RuntimeOf, body: PairBody) -> tuple[Identifier, Identifier]:
    parts = parts_of(runtime)
    policies = await parts.graph.present_policies(tx, caller.workspace_id)
    return identifier_of(body.a, parts, policies, pointer="/a"), identifier_of(body.b, parts, policies, pointer="/b")


def _view(found: Explanation, *, clear: bool) -> ExplanationView:
    return ExplanationView(
        one_person=found.is_one_person,
        links=[
            ExplainedLink(
                **view_of_link(found.component, link, clear=clear).model_dump(),
                evidence=[
                    EvidenceView(
                        event_id=row.event_id,
                        kind=row.kind,
                        tier=row.tier,
                        source_id=row.source_id,
                        event_time=row.event_time,
                        received_at=row.first_received_at,
                        rule_version=row.rule_version,
                        author=row.author,
                    )
                    for row in found.evidence[link.pair]
                ],
                refused_count=found.refused.get(link.pair, 0),
            )
            for link in found.links
        ],
    )
