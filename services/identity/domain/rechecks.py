"""When time alone may change the answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.identity.domain.graph import View
from services.identity.domain.survival import Expiry


def rechecks(
    view: View, roots: list[int], shared: frozenset[int], expiries: Iterable[Expiry], limited: set[str]
) -> dict[int, datetime]:
    """Return the first instant by node: a hub stands for itself, of any other raw component one node does.

    `limited` are the namespaces of which somebody has too many: there room is made when one leaves its window.
    """
    due: dict[int, datetime] = {}

    def note(node: int, at: datetime) -> None:
        due[node] = min(at, due.get(node, at))

    for low, high, at in expiries:
        for end in {low, high} & shared or {roots[low]}:
            note(end, at)
    if limited:
        for node, policy in enumerate(view.policies):
            if policy.window_days is None or view.nodes[node].identifier.namespace not in limited:
                continue
            leaves_at = view.activity[node] + timedelta(days=policy.window_days)
            if leaves_at > view.now:
                note(roots[node], leaves_at)
    return due
