"""What the policies say of a batch's identifiers that are spellings of others: evidence of its own."""

from services.identity.domain.respelling import respellings
from services.identity.usecases.graph.batch import Batch, Fact


def add_respellings(batch: Batch) -> None:
    """Add to the batch that its identifiers denote others, where its workspace declares that."""
    found: dict[tuple[object, int], Fact] = {}
    declaring = {one for one, policies in batch.policies.items() if policies.respelling}
    for fact in batch.facts if declaring else ():
        policies, workspace_id = batch.policies[fact.workspace_id], fact.workspace_id
        if workspace_id in declaring:
            for said in respellings(fact.evidence, policies, workspace_id=workspace_id):
                found.setdefault((said.event_id, workspace_id), Fact(workspace_id, said))
    if found:
        batch.facts = [*batch.facts, *found.values()]
