"""What callers say and read about identifiers, shared by the routes of the graph."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.errors import FieldError, Invalid
from libs.common.http.callers import Caller
from libs.common.runtime import Runtime
from services.identity.domain.evidence import Identifier
from services.identity.domain.naming import name_identifier
from services.identity.domain.policy import InvalidValue, PolicySet
from services.identity.store.nodes import Key, number_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.read_component import Component, SeenLink
from services.identity.usecases.identity_parts import IdentityParts

Region = Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="region of phone numbers without +")]
NAME = r"^[A-Za-z][A-Za-z0-9_.\-]{0,62}$"


class GivenIdentifier(BaseModel):
    """An identifier as a caller knows it; it is brought into its one spelling here."""

    namespace: str = Field(pattern=NAME)
    scope: str = Field("", max_length=200, pattern=r"^[^\x00]*$", description="app id, issuer, corp id")
    value: str = Field(min_length=1, max_length=512, pattern=r"^[^\x00]*$")


class IdentifierView(BaseModel):
    """An identifier as it is stored; the value is masked unless the key may read personal data."""

    namespace: str
    scope: str
    value: str
    masked: bool

    @classmethod
    def of(cls, identifier: Identifier, *, clear: bool) -> "IdentifierView":
        """Return the view of an identifier, masked or clear."""
        value = identifier.value if clear else masked(identifier.value)
        return cls(namespace=identifier.namespace, scope=identifier.scope, value=value, masked=not clear)


class LinkView(BaseModel):
    """A link between two identifiers: what became of it, why, and what stands in the way."""

    a: IdentifierView
    b: IdentifierView
    state: str
    reason: str
    blockers: list[IdentifierView]
    tier: int | None
    first_at: datetime | None
    last_at: datetime | None
    evidence_count: int
    source_ids: list[int]


class Change(BaseModel):
    """What a decision changes, or would change."""

    dry_run: bool
    graph_version: int
    created: list[UUID]
    revived: list[UUID]
    merged: list["MergedView"]
    moved: list["MovedView"]


class MergedView(BaseModel):
    """An id that ends in another."""

    person_id: UUID
    into: UUID


class MovedView(BaseModel):
    """An identifier that changes its owner."""

    identifier: IdentifierView
    from_person_id: UUID | None
    to_person_id: UUID


def masked(value: str) -> str:
    """Return a value by which its owner recognises it and nobody else does."""
    return f"{value[:2]}***{value[-2:]}" if len(value) > 6 else "***"


def parts_of(runtime: Runtime[IdentityParts]) -> IdentityParts:
    """Return the identity service's own parts."""
    return runtime.parts


def reads_clear(caller: Caller) -> bool:
    """Return whether a caller may see personal values."""
    return caller.may("personal:read")


def author_of(caller: Caller) -> str:
    """Return who stands behind a decision: the kind of caller and the name of the key or member."""
    return f"{caller.kind}:{caller.name}"


def identifier_of(
    given: GivenIdentifier, parts: IdentityParts, policies: PolicySet, *, pointer: str, region: str | None = "CN"
) -> Identifier:
    """Return the identifier in its one spelling; raises Invalid with the reason as its code."""
    found = read_identifier(given, parts, policies, region=region)
    if isinstance(found, InvalidValue):
        detail = f"this is no {given.namespace}: {found.reason}"
        raise Invalid(detail, errors=[FieldError(pointer=pointer, detail=detail, code=found.reason)])
    return found


def read_identifier(
    given: GivenIdentifier, parts: IdentityParts, policies: PolicySet, *, region: str | None = "CN"
) -> Identifier | InvalidValue:
    """Return the identifier in its one spelling, or why it is none."""
    return name_identifier(
        given.namespace,
        given.scope,
        given.value,
        region=region,
        namespaces=parts.graph.namespaces,
        policies=policies,
    )


def view_of_link(component: Component, link: SeenLink, *, clear: bool) -> LinkView:
    """Return a link as callers read it."""
    held = link.facts.holds()
    names = component.names
    return LinkView(
        a=IdentifierView.of(names[link.pair[0]], clear=clear),
        b=IdentifierView.of(names[link.pair[1]], clear=clear),
        state=link.state,
        reason=link.reason,
        blockers=[IdentifierView.of(names[one], clear=clear) for one in link.blockers or ()],
        tier=held[0] if held else None,
        first_at=link.facts.first_at,
        last_at=held[1] if held else link.facts.seen_at(4),
        evidence_count=link.facts.evidence_count,
        source_ids=sorted(one for one in link.facts.sources if one >= 0),
    )


def view_of_change(batch: Batch, *, dry_run: bool, clear: bool) -> Change:
    """Return what a batch changed about persons."""
    changes = batch.changes
    if changes is None:
        return Change(dry_run=dry_run, graph_version=0, created=[], revived=[], merged=[], moved=[])
    ids = changes.ids

    def owner(node: Key, number: int) -> UUID | None:
        return ids.get(node >> 32 << 32 | number) if number else None

    return Change(
        dry_run=dry_run,
        graph_version=changes.version,
        created=[row.person_id for row in changes.created],
        revived=[ids[one] for one in changes.revived],
        merged=[MergedView(person_id=ids[ended], into=ids[into]) for ended, into in changes.merged],
        moved=[
            MovedView(
                identifier=IdentifierView.of(batch.names[move.node], clear=clear),
                from_person_id=owner(move.node, move.from_person),
                to_person_id=ids[move.node >> 32 << 32 | move.to_person],
            )
            for move in sorted(changes.moves, key=lambda move: number_of(move.node))
            if move.to_person
        ],
    )
