"""Decisions about links told in identifiers, as the pure rule asks for them."""

from collections.abc import Mapping

from services.identity.domain.evidence import Identifier
from services.identity.domain.graph import Hold
from services.identity.domain.links import Pair
from services.identity.store.nodes import Key, key


def named_holds(
    workspace_id: int, decided: Mapping[tuple[int, int], Hold], names: Mapping[Key, Identifier]
) -> dict[Pair, Hold]:
    """Return the decisions about links between nodes that have a name."""
    found: dict[Pair, Hold] = {}
    for (low, high), hold in decided.items():
        one, other = names.get(key(workspace_id, low)), names.get(key(workspace_id, high))
        if one is not None and other is not None:
            found[min(one, other), max(one, other)] = hold
    return found
