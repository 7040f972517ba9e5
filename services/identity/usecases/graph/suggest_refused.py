"""Links that were refused between two people are suggested to somebody who can tell."""

from services.identity.store.links import Decision
from services.identity.store.nodes import number_of, workspace_of
from services.identity.store.suggestions import Pairing
from services.identity.usecases.graph.batch import Batch


def suggest_refused(batch: Batch, decisions: list[Decision]) -> list[Pairing]:
    """Return the two sides of every link refused for a limit or because it would have bridged over a leaf."""
    found = []
    for one in decisions:
        refused = one.state == "suppressed" and (one.reason == "leaf" or one.reason.startswith("limit:"))
        if refused and one.blocker_low is not None and one.blocker_high is not None:
            workspace_id = workspace_of(one.pair[0])
            low, high = sorted((one.blocker_low, one.blocker_high))
            found.append(
                Pairing(
                    workspace_id=workspace_id,
                    low_no=low,
                    high_no=high,
                    origin="refused_link",
                    reason=one.reason,
                    at=batch.now[workspace_id],
                    link_low=number_of(one.pair[0]),
                    link_high=number_of(one.pair[1]),
                )
            )
    return [one for one in found if one.low_no != one.high_no]
