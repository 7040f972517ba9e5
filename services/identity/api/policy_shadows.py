from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from libs.common.errors import NotFound
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from libs.common.http.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from libs.common.ids import new_id
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import author_of, parts_of
from services.identity.api.policies import PoliciesSet, PolicyDocument, declared_by
from services.identity.store import policies, shadows
from services.identity.store.shadows import ShadowRow
from services.identity.usecases.switch_policies import switch_policies

router = APIRouter(prefix="/v1/identity/policies/shadows", tags=["policies"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]


class LinkChange(BaseModel):
    """How many links would be something else, by state and reason."""

    was: str
    becomes: str
    count: int


class ShadowReport(BaseModel):
    """What the policies would make of the evidence, beside what those in force make of it."""

    facts: int
    persons_before: int
    persons_after: int
    persons_merged: int = Field(description="persons whose id would end in another")
    persons_split: int = Field(description="persons who would be several")
    anchors_lost: int = Field(description="of those merged, how many hold an id of which a person has one only")
    largest_before: int = Field(description="identifiers of the largest person")
    largest_after: int
    links: list[LinkChange]
    merged: list[list[UUID]] = Field(description="examples: the persons who would be one")
    split: list[UUID] = Field(description="examples: the persons who would be several")


class ShadowView(BaseModel):
    """Policies tried on the stored evidence; they are in force only once somebody switches to them."""

    shadow_id: UUID
    state: Literal["waiting", "done", "failed", "switched"]
    why: str = Field(description="what kept a run that failed from being made")
    base_version: int = Field(description="the version in force when the run was asked for")
    switched_to: int | None
    author: str
    created_at: datetime
    finished_at: datetime | None
    report: ShadowReport | None


@router.post("", status_code=202)
async def run_policies_in_the_shadow(
    caller: Writer, tx: Transaction, runtime: RuntimeOf, body: PolicyDocument
) -> ShadowView:
    """Try policies on the stored evidence in the background; nothing changes until somebody switches to them."""
    shadow_id = new_id()
    await shadows.keep(
        tx,
        caller.workspace_id,
        shadow_id,
        base=await policies.present(tx, caller.workspace_id),
        declared=declared_by(body, parts_of(runtime).graph.namespaces),
        author=author_of(caller),
        now=runtime.now(caller.workspace_id),
    )
    tx.after_commit(lambda: runtime.wake("run_shadows"))
    return _view(await _found(tx, caller, shadow_id))


@router.get("")
async def list_shadow_runs(
    caller: Reader, tx: Transaction, limit: Limit = 50, cursor: Cursor = None
) -> Page[ShadowView]:
    """Shadow runs, the youngest first."""
    position = decode_cursor(cursor, tuple[UUID])
    rows = await shadows.listed(tx, caller.workspace_id, before=position[0] if position else None, limit=limit)
    more = encode_cursor(rows[-1].shadow_id) if len(rows) == limit else None
    return Page(items=[_view(row) for row in rows], next_cursor=more)


@router.get("/{shadow_id}")
async def read_shadow_run(caller: Reader, tx: Transaction, shadow_id: UUID) -> ShadowView:
    """A shadow run, with the difference it would make once it is done."""
    return _view(await _found(tx, caller, shadow_id))


@router.post("/{shadow_id}/switch")
async def switch_to_shadow(caller: Writer, runtime: RuntimeOf, shadow_id: UUID) -> PoliciesSet:
    """Put the policies of a finished run in force, all at once; refused when others were put in force since."""
    graph = parts_of(runtime).graph
    version, affected = await change_graph(
        runtime, caller.workspace_id, lambda tx: switch_policies(tx, graph, caller.workspace_id, shadow_id)
    )
    runtime.wake("respell_identifiers")
    runtime.wake("recompute_regions")
    return PoliciesSet(version=version, identifiers_to_review=affected)


async def _found(tx: Transaction, caller: Caller, shadow_id: UUID) -> ShadowRow:
    row = await shadows.find(tx, caller.workspace_id, shadow_id)
    if row is None:
        raise NotFound("there is no such shadow run")
    return row


def _view(row: ShadowRow) -> ShadowView:
    report: dict[str, Any] | None = row.report
    return ShadowView(
        shadow_id=row.shadow_id,
        state=row.state,
        why=row.why,
        base_version=row.base_version,
        switched_to=row.switched_to,
        author=row.author,
        created_at=row.created_at,
        finished_at=row.finished_at,
        report=ShadowReport(**report) if report is not None else None,
    )
