"""Whose identifiers are, asked in batches."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from libs.common.db import Tx
from libs.common.errors import Invalid
from libs.common.http.callers import Caller, RuntimeOf, TransactionByIndex, requires
from libs.common.ids import new_id
from libs.common.runtime import Runtime
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import (
    GivenIdentifier,
    IdentifierView,
    Region,
    author_of,
    parts_of,
    read_identifier,
    reads_clear,
)
from services.identity.domain.evidence import OBSERVED, Evidence, Identifier
from services.identity.domain.links import rank
from services.identity.domain.policy import InvalidValue, PolicySet
from services.identity.usecases.add_evidence import add_evidence
from services.identity.usecases.find_owners import find_erased, find_owners
from services.identity.usecases.identity_parts import IdentityParts

router = APIRouter(prefix="/v1/identity", tags=["evidence"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]


class ResolveItem(BaseModel):
    """Identifiers seen together."""

    model_config = ConfigDict(extra="forbid")

    identifiers: list[GivenIdentifier] = Field(min_length=1, max_length=50)


class ResolveBody(BaseModel):
    """Whose identifiers these are; with `create` those never seen before become somebody's."""

    model_config = ConfigDict(extra="forbid")

    items: list[ResolveItem] = Field(min_length=1, max_length=500)
    create: bool = False
    default_region: Region = "CN"


class ResolvedIdentifier(BaseModel):
    """An identifier and whose it is; nobody's when it was never seen, names nobody, or was `erased`."""

    identifier: IdentifierView | None
    person_id: UUID | None
    reason: str | None = None


class ResolvedItem(BaseModel):
    """The person of an item's strongest identifier, and each identifier by itself."""

    person_id: UUID | None
    identifiers: list[ResolvedIdentifier]


class ResolveAnswer(BaseModel):
    """Whose the identifiers are, in the order asked."""

    items: list[ResolvedItem]


@router.post("/resolve")
async def resolve(caller: Reader, tx: TransactionByIndex, runtime: RuntimeOf, body: ResolveBody) -> ResolveAnswer:
    """Say whose identifiers these are, in batches; asking changes nothing unless `create` is set."""
    parts = parts_of(runtime)
    if body.create and not caller.may("persons:write"):
        raise Invalid.at("/create", "the key may read persons, not make them", "forbidden")
    policies = await parts.graph.present_policies(tx, caller.workspace_id)
    read = [
        [read_identifier(one, parts, policies, region=body.default_region) for one in item.identifiers]
        for item in body.items
    ]
    if body.create:
        await change_graph(runtime, caller.workspace_id, lambda own: _create(caller, own, runtime, read))
    wanted = {one for item in read for one in item if isinstance(one, Identifier)}
    owners = await find_owners(tx, parts.graph, caller.workspace_id, wanted)
    erased = await find_erased(tx, parts.graph, caller.workspace_id, wanted - owners.keys())
    clear = reads_clear(caller)
    return ResolveAnswer(items=[_resolved(item, owners, erased, policies, clear=clear) for item in read])


async def _create(
    caller: Caller, tx: Tx, runtime: Runtime[IdentityParts], read: list[list[Identifier | InvalidValue]]
) -> None:
    now = runtime.now(caller.workspace_id)
    said = [
        Evidence(
            event_id=new_id(),
            source_id=0,
            kind="observe",
            tier=OBSERVED,
            event_time=now,
            first_received_at=now,
            identifiers=tuple(dict.fromkeys(one for one in item if isinstance(one, Identifier))),
        )
        for item in read
    ]
    graph = parts_of(runtime).graph
    await add_evidence(tx, graph, caller.workspace_id, said, author=author_of(caller))


def _resolved(
    item: list[Identifier | InvalidValue],
    owners: dict[Identifier, UUID],
    erased: set[Identifier],
    policies: PolicySet,
    *,
    clear: bool,
) -> ResolvedItem:
    known = [one for one in item if isinstance(one, Identifier) and one in owners]
    strongest = min(known, key=lambda one: rank(one, policies), default=None)
    return ResolvedItem(
        person_id=owners[strongest] if strongest is not None else None,
        identifiers=[
            ResolvedIdentifier(
                identifier=IdentifierView.of(one, clear=clear),
                person_id=owners.get(one),
                reason="erased" if one in erased else None,
            )
            if isinstance(one, Identifier)
            else ResolvedIdentifier(identifier=None, person_id=None, reason=one.reason)
            for one in item
        ],
    )
