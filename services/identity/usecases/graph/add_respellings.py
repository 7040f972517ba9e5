"""What the policies say of a batch's identifiers that are spellings of others: evidence of its own."""

from libs.common.ids import new_id
from services.identity.domain.evidence import Identifier
from services.identity.domain.respelling import denoted, respelling
from services.identity.usecases.graph.batch import Batch, Fact


def add_respellings(batch: Batch) -> None:
    """Add to the batch that its identifiers denote others, where its workspace declares that.

    Such a fact has its id once its identifiers have their numbers (name_derived.py).
    """
    found: dict[tuple[int, Identifier], Fact] = {}
    declaring = {one for one, policies in batch.policies.items() if policies.respelling}
    for fact in batch.facts if declaring else ():
        policies, workspace_id = batch.policies[fact.workspace_id], fact.workspace_id
        for one, other in denoted(fact.evidence, policies) if workspace_id in declaring else ():
            if (workspace_id, one) not in found:
                at = fact.evidence.first_received_at
                said = respelling(one, other, event_id=new_id(), received_at=at)
                found[workspace_id, one] = Fact(workspace_id, said)
    if found:
        batch.facts = [*batch.facts, *found.values()]
