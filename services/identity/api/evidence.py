from typing import Annotated
from uuid import NAMESPACE_OID, UUID, uuid5

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.common.db import Tx
from libs.common.errors import Invalid
from libs.common.http.callers import Caller, RuntimeOf, requires
from libs.common.ids import new_id
from libs.common.runtime import Runtime
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import (
    Change,
    GivenIdentifier,
    Region,
    author_of,
    parts_of,
    read_identifier,
    reads_clear,
    view_of_change,
)
from services.identity.domain.evidence import Evidence, EvidenceKind, Identifier
from services.identity.domain.inference import inference
from services.identity.domain.matching.model import Score, Step
from services.identity.domain.policy import InvalidValue, PolicySet
from services.identity.usecases.add_evidence import Taken, add_evidence
from services.identity.usecases.foresee_evidence import foresee_evidence
from services.identity.usecases.identity_parts import IdentityParts

router = APIRouter(prefix="/v1/identity", tags=["evidence"])

Writer = Annotated[Caller, Depends(requires("persons:write"))]
PAIRED = frozenset({"must_link", "cannot_link", "supersede", "unbind", "retract"})


class GivenStep(BaseModel):
    """What one comparison adds to a score: by its outcome, and by how rare the value is."""

    model_config = ConfigDict(extra="forbid")

    comparison: str = Field(min_length=1, max_length=100)
    outcome: str = Field(min_length=1, max_length=200)
    weight: float = Field(allow_inf_nan=False)
    frequency_weight: float = Field(0.0, allow_inf_nan=False)


class GivenEvidence(BaseModel):
    """A fact about identifiers. Of a `supersede` the last identifier replaces the others.

    What is only inferred (kind `infer`, or tier 4) merges nobody: the pair waits among the suggestions, with its score.
    """

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(None, min_length=1, max_length=200, description="the same id again changes nothing")
    kind: EvidenceKind
    tier: int = Field(ge=0, le=4, description="0 decided, 1 authenticated, 2 declared, 3 observed, 4 inferred")
    time: AwareDatetime | None = Field(None, description="when it happened; now when absent")
    identifiers: list[GivenIdentifier] = Field(min_length=1, max_length=50)
    consent_basis: str | None = Field(None, min_length=1, max_length=100)
    score: float | None = Field(
        None, allow_inf_nan=False, description="of an inferred fact: log2 of the odds that it is so"
    )
    waterfall: list[GivenStep] = Field([], max_length=50, description="what the score is the sum of, without values")


class EvidenceBody(BaseModel):
    """Facts to take in, all at once."""

    model_config = ConfigDict(extra="forbid")

    items: list[GivenEvidence] = Field(min_length=1, max_length=500)
    default_region: Region = "CN"
    source_id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="the source it is from: by it go the safeguards of rates; without it, one for all"
    )


class InvalidView(BaseModel):
    """A value that names nobody, and why."""

    pointer: str
    namespace: str
    reason: str


class EvidenceTaken(BaseModel):
    """What became of one fact."""

    event_id: UUID
    outcome: str = Field(description="accepted, duplicate, no_identifier, erased (it is about somebody who was)")
    person_id: UUID | None
    contradictory: bool
    invalid: list[InvalidView]


class EvidenceAnswer(BaseModel):
    """What became of the facts, in their order."""

    items: list[EvidenceTaken]


class EvidencePreview(BaseModel):
    """What facts would do to persons; nothing of it has happened."""

    persons_created: int
    persons_merged: int = Field(description="persons whose id would end in another")
    persons_revived: int
    anchors_lost: int = Field(description="of those merged, how many hold an id of which a person has one only")
    largest_person: int = Field(description="identifiers of the largest person these facts touch")
    links_quarantined: int = Field(description="links that would wait for somebody's decision")
    invalid: list[InvalidView]
    change: Change


@router.post("/evidence")
async def take_evidence(caller: Writer, runtime: RuntimeOf, body: EvidenceBody) -> EvidenceAnswer:
    """Take facts about identifiers in; all of them count at once, in any order and however often they are sent."""
    return await change_graph(runtime, caller.workspace_id, lambda tx: _take(caller, tx, runtime, body))


@router.post("/evidence/preview")
async def preview_evidence(caller: Writer, runtime: RuntimeOf, body: EvidenceBody) -> EvidencePreview:
    """What these facts would do to the persons there are, tried and taken back: merges, the largest person, anchors."""

    async def work(tx: Tx) -> EvidencePreview:
        graph = parts_of(runtime).graph
        policies = await graph.present_policies(tx, caller.workspace_id)
        said, invalid = _said(caller, runtime, policies, body)
        _scores(body, said)
        numbers, batch = await foresee_evidence(tx, graph, caller.workspace_id, said, author=author_of(caller))
        return EvidencePreview(
            persons_created=numbers.created,
            persons_merged=numbers.merged,
            persons_revived=numbers.revived,
            anchors_lost=numbers.anchors_lost,
            largest_person=numbers.largest,
            links_quarantined=numbers.quarantined,
            invalid=[one for refused in invalid for one in refused],
            change=view_of_change(batch, dry_run=True, clear=reads_clear(caller)),
        )

    return await change_graph(runtime, caller.workspace_id, work, dry_run=True)


async def _take(caller: Caller, tx: Tx, runtime: Runtime[IdentityParts], body: EvidenceBody) -> EvidenceAnswer:
    parts = parts_of(runtime)
    policies = await parts.graph.present_policies(tx, caller.workspace_id)
    said, invalid = _said(caller, runtime, policies, body)
    taken, _ = await add_evidence(
        tx, parts.graph, caller.workspace_id, said, author=author_of(caller), scores=_scores(body, said)
    )
    return EvidenceAnswer(
        items=[_view(one, fact, refused) for one, fact, refused in zip(taken, said, invalid, strict=True)]
    )


def _said(
    caller: Caller, runtime: Runtime[IdentityParts], policies: PolicySet, body: EvidenceBody
) -> tuple[list[Evidence], list[list[InvalidView]]]:
    now, source_id = runtime.now(caller.workspace_id), _source_of(caller, runtime, body)
    said: list[Evidence] = []
    invalid: list[list[InvalidView]] = []
    for position, item in enumerate(body.items):
        valid, refused = _readable(item.identifiers, runtime, policies, body.default_region, f"/items/{position}")
        if item.kind in PAIRED and (len(set(valid)) < 2 or (item.kind == "supersede" and len(valid) != 2)):
            raise Invalid.at(f"/items/{position}/identifiers", f"{item.kind} is about two valid identifiers")
        invalid.append(refused)
        said.append(
            Evidence(
                event_id=uuid5(NAMESPACE_OID, f"{caller.workspace_id}/{item.id}") if item.id else new_id(),
                source_id=source_id,
                kind=item.kind,
                tier=item.tier,
                event_time=item.time or now,
                first_received_at=now,
                identifiers=tuple(valid),
                rule_version=policies.version,
                consent_basis=item.consent_basis,
            )
        )
    return said, invalid


def _source_of(caller: Caller, runtime: Runtime[IdentityParts], body: EvidenceBody) -> int:
    """Return the source that facts are from, 0 where none is named."""
    if body.source_id is None:
        return 0
    source = runtime.directory.source(body.source_id)
    if source is None or source.workspace_id != caller.workspace_id:
        raise Invalid.at("/source_id", "there is no such source")
    return body.source_id


def _scores(body: EvidenceBody, said: list[Evidence]) -> dict[UUID, Score]:
    """Return what callers say of the likelihood of inferred facts, by event id; the first of one id counts."""
    scores: dict[UUID, Score] = {}
    for position, (item, fact) in enumerate(zip(body.items, said, strict=True)):
        steps = tuple(Step(**step.model_dump()) for step in item.waterfall)
        scored = inference(fact, score=item.score, waterfall=steps, pointer=f"/items/{position}")
        if scored is not None:
            scores.setdefault(fact.event_id, scored)
    return scores


def _readable(
    given: list[GivenIdentifier], runtime: Runtime[IdentityParts], policies: PolicySet, region: str | None, pointer: str
) -> tuple[list[Identifier], list[InvalidView]]:
    valid: list[Identifier] = []
    refused: list[InvalidView] = []
    for position, one in enumerate(given):
        found = read_identifier(one, parts_of(runtime), policies, region=region)
        if isinstance(found, InvalidValue):
            where = f"{pointer}/identifiers/{position}"
            refused.append(InvalidView(pointer=where, namespace=one.namespace, reason=found.reason))
        elif found not in valid:
            valid.append(found)
    return valid, refused


def _view(taken: Taken, fact: Evidence, refused: list[InvalidView]) -> EvidenceTaken:
    told = "erased" if taken.is_erased else "accepted" if taken.is_new else "duplicate"
    outcome = told if fact.identifiers else "no_identifier"
    return EvidenceTaken(
        event_id=fact.event_id,
        outcome=outcome,
        person_id=taken.person_id,
        contradictory=taken.is_contradictory,
        invalid=refused,
    )
