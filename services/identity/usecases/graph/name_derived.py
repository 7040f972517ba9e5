"""Ids for evidence that nobody sent: of the numbers of its identifiers, so that the same fact always has the same."""

import msgspec

from services.identity.domain.twins import TWIN_SOURCE, id_of_derived
from services.identity.store.nodes import number_of
from services.identity.usecases.graph.batch import Batch


def name_derived(batch: Batch) -> None:
    """Give what follows from the values of a batch's identifiers its ids; what an erasure took is not stored."""
    for fact in batch.facts:
        if fact.evidence.source_id == TWIN_SOURCE and len(fact.keys) == 2:
            event_id = id_of_derived(fact.workspace_id, *map(number_of, fact.keys))
            fact.evidence = msgspec.structs.replace(fact.evidence, event_id=event_id)
