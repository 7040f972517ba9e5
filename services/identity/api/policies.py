from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from libs.common.errors import FieldError, Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import NAME, parts_of
from services.identity.domain.policy import CapByTier, NamespacePolicy
from services.identity.usecases.put_policies import put_policies

router = APIRouter(prefix="/v1/identity/policies", tags=["policies"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Caps(BaseModel):
    """Limits by the tier of the link that would add an identifier; null is no limit."""

    model_config = ConfigDict(extra="forbid")

    tier_0_1: Count | None = None
    tier_2_up: Count | None = None


class PolicyFields(BaseModel):
    """The rules of one namespace; priority 1 is the strongest."""

    model_config = ConfigDict(extra="forbid")

    priority: int = Field(ge=1, le=100)
    max_per_person: Count | Caps | None = None
    window_days: Days | None = None
    cap_per: Annotated[str, Field(pattern=r"^(namespace|scope)$")] = "namespace"
    hub_threshold: Count | None = None
    ttl_days: Days | None = None
    reassign_after_days: Days | None = Field(None, validation_alias=AliasChoices("reassign_after_days", "stale_days"))
    singleton: bool | None = None
    bridges: bool = True
    parent: str | None = Field(None, pattern=NAME)
    blocked: list[Annotated[str, Field(max_length=512)]] = Field([], max_length=10_000)
    consent_purpose: str | None = Field(None, max_length=100)

    def policy(self) -> NamespacePolicy:
        """Return the policy these fields declare."""
        return msgspec.convert(self.model_dump(), NamespacePolicy)


class PolicyDocument(BaseModel):
    """Policies by namespace; a namespace that is not named keeps its default."""

    model_config = ConfigDict(extra="forbid")

    namespaces: dict[str, PolicyFields] = Field(max_length=200)


class PoliciesView(BaseModel):
    """The policies in force, defaults included."""

    version: int
    namespaces: dict[str, PolicyFields]


class PoliciesSet(BaseModel):
    """The new version, and how many identifiers are looked at again for it."""

    version: int
    identifiers_to_review: int


def _fields(policy: NamespacePolicy) -> PolicyFields:
    values = msgspec.to_builtins(policy)
    if isinstance(policy.max_per_person, CapByTier):
        values["max_per_person"] = Caps(**values["max_per_person"])
    return PolicyFields(**values)


@router.get("")
async def read_policies(caller: Reader, tx: Transaction, runtime: RuntimeOf) -> PoliciesView:
    """The namespace policies in force."""
    found = await parts_of(runtime).graph.present_policies(tx, caller.workspace_id)
    return PoliciesView(
        version=found.version, namespaces={name: _fields(policy) for name, policy in sorted(found.policies.items())}
    )


@router.put("")
async def write_policies(caller: Writer, runtime: RuntimeOf, body: PolicyDocument) -> PoliciesSet:
    """Put namespace policies in force; the persons they change follow in the background."""
    declared, graph = declared_by(body), parts_of(runtime).graph
    version, affected = await change_graph(
        runtime, caller.workspace_id, lambda tx: put_policies(tx, graph, caller.workspace_id, declared)
    )
    runtime.wake("recompute_regions")
    return PoliciesSet(version=version, identifiers_to_review=affected)


def declared_by(body: PolicyDocument) -> dict[str, NamespacePolicy]:
    """Return the policies of a document by namespace; raises Invalid for a name that is none."""
    for name in body.namespaces:
        if name != name.lower() or not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
            raise Invalid(
                "a namespace is lower-case letters, digits and _",
                errors=[FieldError(pointer=f"/namespaces/{name}", detail="lower-case letters, digits and _")],
            )
    return {name: fields.policy() for name, fields in body.namespaces.items()}
