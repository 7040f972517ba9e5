from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from libs.common.errors import FieldError, Invalid
from libs.common.http.callers import Caller, RuntimeOf, Transaction, requires
from services.identity.api.graph_changes import change_graph
from services.identity.api.graph_models import NAME, parts_of
from services.identity.domain.consents import LINKING, Linking
from services.identity.domain.declarable import unfit_fields
from services.identity.domain.policy import CapByTier, CaseRule, Declared, NamespaceKind, NamespacePolicy, Safeguards
from services.identity.usecases.put_policies import put_policies

router = APIRouter(prefix="/v1/identity/policies", tags=["policies"])

Reader = Annotated[Caller, Depends(requires("persons:read"))]
Writer = Annotated[Caller, Depends(requires("persons:write"))]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Issuer = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Domain = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$")]
Days = Annotated[int, Field(ge=1, le=36_500)]


class Caps(BaseModel):
    """Limits by the tier of the link that would add an identifier; null is no limit."""

    model_config = ConfigDict(extra="forbid")

    tier_0_1: Count | None = None
    tier_2_up: Count | None = None


class FoldingFields(BaseModel):
    """What a domain's mailboxes do not care for."""

    model_config = ConfigDict(extra="forbid")

    dots: bool = Field(False, description="dots in the local part")
    plus_tags: bool = Field(False, description="what follows a plus sign in the local part")


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
    look_back_days: int | None = Field(30, ge=0, le=36_500, description="null: without a limit")
    anonymous_history: Annotated[str, Field(pattern=r"^(own_time|moves)$")] = "own_time"
    parent: str | None = Field(None, pattern=NAME)
    blocked: list[Annotated[str, Field(max_length=512)]] = Field([], max_length=10_000)
    luhn: bool = Field(False, description="member_card: the last digit has to be right")
    prefixes: list[Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]] = Field(
        [], max_length=1_000, description="member_card: what a number has to begin with"
    )
    case_rules: dict[Issuer, CaseRule] = Field(
        {}, max_length=1_000, description="user_id, member_id, crm_id: by issuer (scope), * for any other"
    )
    folding: dict[Domain, FoldingFields] = Field({}, max_length=1_000, description="email: by domain")
    consent_purpose: str | None = Field(
        LINKING, max_length=100, description="what linking such an identifier is consented to for; null: to nothing"
    )

    def policy(self) -> NamespacePolicy:
        """Return the policy these fields declare."""
        return msgspec.convert(self.model_dump(), NamespacePolicy)


class SafeguardFields(BaseModel):
    """Where joining stops until somebody has looked; null switches a safeguard off."""

    model_config = ConfigDict(extra="forbid")

    largest_person: int | None = Field(200, ge=2, le=100_000, description="identifiers that bridge, in one person")
    joins_per_minute: int | None = Field(50, ge=1, le=1_000_000, description="of one identifier, by one source")
    merges_per_minute: int | None = Field(
        None, ge=0, le=1_000_000, description="of persons, by one source; what would merge more is held"
    )
    dormant_days: Days | None = Field(365, description="silence after which a join is at risk")


class PolicyDocument(BaseModel):
    """Policies by namespace; a namespace or safeguard that is not named keeps its default."""

    model_config = ConfigDict(extra="forbid")

    namespaces: dict[str, PolicyFields] = Field(max_length=200)
    linking: Linking = Field("opt_out", description="opt_in: evidence links only where its purpose was granted")
    safeguards: SafeguardFields = SafeguardFields()


class PoliciesView(BaseModel):
    """The policies in force, defaults included."""

    version: int
    namespaces: dict[str, PolicyFields]
    linking: Linking
    safeguards: SafeguardFields


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
        version=found.version,
        namespaces={name: _fields(policy) for name, policy in sorted(found.policies.items())},
        linking=found.linking,
        safeguards=SafeguardFields(**msgspec.to_builtins(found.safeguards)),
    )


@router.put("")
async def write_policies(caller: Writer, runtime: RuntimeOf, body: PolicyDocument) -> PoliciesSet:
    """Put namespace policies in force; the persons they change follow in the background."""
    graph = parts_of(runtime).graph
    declared = declared_by(body, graph.namespaces)
    version, affected = await change_graph(
        runtime, caller.workspace_id, lambda tx: put_policies(tx, graph, caller.workspace_id, declared)
    )
    runtime.wake("respell_identifiers")
    runtime.wake("recompute_regions")
    return PoliciesSet(version=version, identifiers_to_review=affected)


def declared_by(body: PolicyDocument, kinds: Mapping[str, NamespaceKind]) -> Declared:
    """Return the policies of a document; raises Invalid for a name that is none, or what its values do not know."""
    for name in body.namespaces:
        if name != name.lower() or not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
            raise Invalid(
                "a namespace is lower-case letters, digits and _",
                errors=[FieldError(pointer=f"/namespaces/{name}", detail="lower-case letters, digits and _")],
            )
    namespaces = {name: fields.policy() for name, fields in body.namespaces.items()}
    unfit = [
        f"/namespaces/{name}/{field}" for name, one in namespaces.items() for field in unfit_fields(name, one, kinds)
    ]
    if unfit:
        why = "values of this namespace do not know that; leave it out"
        raise Invalid(why, errors=[FieldError(pointer=pointer, detail=why) for pointer in unfit])
    return Declared(
        namespaces,
        msgspec.convert(body.safeguards.model_dump(), Safeguards),
        body.linking,
    )
