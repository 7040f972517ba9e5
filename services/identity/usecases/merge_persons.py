"""An operator says that two persons are one: evidence of tier 0, as strong as it gets, undone by more evidence."""

from datetime import datetime, timedelta
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import Conflict, FieldError, Invalid
from libs.common.ids import new_id
from services.identity.domain.evidence import DECIDED, Evidence, EvidenceKind, Identifier
from services.identity.domain.links import rank
from services.identity.domain.policy import PolicySet
from services.identity.usecases.find_person import FoundPerson, find_person
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools


def decision(kind: EvidenceKind, now: datetime, *identifiers: Identifier) -> Evidence:
    """Return an operator's evidence."""
    return Evidence(
        event_id=new_id(), source_id=0, kind=kind, tier=DECIDED, event_time=now, first_received_at=now,
        identifiers=identifiers,
    )  # fmt: skip


def strongest(found: FoundPerson, policies: PolicySet) -> Identifier:
    """Return a person's strongest identifier."""
    return min((found.component.names[one] for one in found.mine), key=lambda one: rank(one, policies))


def _assert_not_too_large(policies: PolicySet, *people: FoundPerson) -> None:
    """Raise Conflict for a person of too many identifiers: the weakest links of the two would give way instead."""
    largest = policies.safeguards.largest_person
    bridging = [policies.of(found.component.names[one].namespace).bridges for found in people for one in found.mine]
    if largest is not None and sum(bridging) > largest:
        raise Conflict(f"the two have more than {largest} identifiers, the safeguard of a person", code="too_large")


async def merge_persons(tx: Tx, tools: GraphTools, workspace_id: int, one: UUID, other: UUID, *, author: str) -> Batch:
    """Make two persons one; raises Conflict with the reason when a cap or a safeguard stands in the way.

    Refusals between the two are taken back by the same decision: the newer word counts.
    """
    policies = await tools.present_policies(tx, workspace_id)
    now = tools.now(workspace_id)
    first = await find_person(tx, tools, workspace_id, one)
    second = await find_person(tx, tools, workspace_id, other)
    # Somebody else may merge the two between one reading and the other: then they share identifiers.
    if first.person.person_no == second.person.person_no or set(first.mine) & set(second.mine):
        raise Invalid.at("/person_ids", "these two are one person already")
    for position, found in enumerate((first, second)):
        if not found.mine:
            raise Conflict(
                "one of the two is nobody by name: he had a device while it was nobody's, and owns no identifier;"
                " say whose the device is by evidence about it",
                errors=[
                    FieldError(pointer=f"/person_ids/{position}", detail="owns no identifier", code="no_identifier")
                ],
                code="no_identifier",
            )
    _assert_not_too_large(policies, first, second)
    pairs = {(strongest(first, policies), strongest(second, policies))}
    mine, theirs = set(first.mine), set(second.mine)
    at = now
    for (low, high), link in first.component.links.items():
        if link.facts.forbids and {low, high} & mine and {low, high} & theirs:
            pairs.add((first.component.names[low], first.component.names[high]))
            # Of two decisions at one instant the refusal counts, and a driven clock stands still.
            at = max(at, (link.facts.cannot_at or now) + timedelta(microseconds=1))
    facts = [Fact(workspace_id, decision("must_link", at, *pair), author) for pair in sorted(pairs)]
    batch = await resolve_evidence(tx, facts, tools)
    owners = {batch.nodes[fact.centre].person_no for fact in facts} | {
        batch.nodes[key].person_no for fact in facts for key in fact.keys
    }
    if len(owners) > 1:
        raise Conflict("the two cannot be one person: a limit of their identifiers stands in the way", code="limit")
    return batch
