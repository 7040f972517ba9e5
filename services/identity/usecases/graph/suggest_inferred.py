"""What somebody only inferred about two people is suggested to somebody who can tell."""

from services.identity.domain.inference import is_inferred
from services.identity.domain.matching.model import waterfall_of
from services.identity.store.nodes import Key, number_of
from services.identity.store.suggestions import Pairing
from services.identity.usecases.graph.batch import Batch, Fact


def suggest_inferred(batch: Batch) -> list[Pairing]:
    """Return the pairs that the batch's new inferred facts are about, the middle of each star with its members.

    Identifiers that contradict each other are linked to nothing, but whether they are one is a question all the same.
    """
    found = []
    for fact in batch.facts:
        if fact.is_new and fact.centre and is_inferred(fact.evidence.kind, fact.evidence.tier):
            found += [_pairing(batch, fact, member) for member in fact.keys if member != fact.centre]
    return found


def _pairing(batch: Batch, fact: Fact, member: Key) -> Pairing:
    low, high = sorted((number_of(member), number_of(fact.centre)))
    scored = fact.inference
    return Pairing(
        workspace_id=fact.workspace_id,
        low_no=low,
        high_no=high,
        origin="inferred",
        reason="inferred",
        at=batch.now[fact.workspace_id],
        score=scored.weight if scored is not None else None,
        waterfall=waterfall_of(scored) if scored is not None else [],
    )
