"""Evidence that a caller or an operator states outright."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from libs.common.db import Tx
from services.identity.domain.evidence import Evidence
from services.identity.domain.links import contradictory
from services.identity.domain.matching.model import Score
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools


@dataclass(slots=True)
class Taken:
    """What became of one piece of evidence; without any valid identifier it is nobody's."""

    is_new: bool
    person_id: UUID | None
    is_contradictory: bool
    is_erased: bool = False


async def add_evidence(
    tx: Tx,
    tools: GraphTools,
    workspace_id: int,
    said: Sequence[Evidence],
    *,
    author: str,
    scores: Mapping[UUID, Score] = MappingProxyType({}),
) -> tuple[list[Taken], Batch]:
    """Take evidence in, all at once; an event id that is known changes nothing.

    `scores` are of inferred facts, by event id: they are suggested with these.
    """
    facts = [Fact(workspace_id, one, author, inference=scores.get(one.event_id)) for one in said]
    batch = await resolve_evidence(tx, facts, tools)
    policies = batch.policies[workspace_id] if facts else None
    owners = [batch.nodes[fact.centre].owner if fact.centre else 0 for fact in facts]
    ids = await tools.person_ids(tx, {one for one in owners if one})
    taken = [
        Taken(
            fact.is_new,
            ids.get(owner),
            policies is not None and bool(contradictory(fact.evidence, policies)),
            fact.is_erased,
        )
        for fact, owner in zip(facts, owners, strict=True)
    ]
    return taken, batch
