"""Joins at risk: who comes to an identifier after all who had it were silent for long may be another person."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from services.identity.domain.policy import NamespacePolicy


class Arrival(msgspec.Struct, frozen=True):
    """Who came to an identifier, when, and since when all who had it before had been silent."""

    newcomer: int
    joined_at: datetime
    silent_since: datetime
    before: tuple[int, ...]


def passes_on(policy: NamespacePolicy) -> bool:
    """Return whether an identifier passes from person to person: it bridges, and enough people make a hub of it."""
    return policy.bridges and policy.hub_threshold is not None


def arrivals_after_silence(
    holders: Sequence[tuple[int, datetime]], activity: Mapping[int, datetime], silence: timedelta
) -> list[Arrival]:
    """Return those who joined an identifier when everybody who had joined it before was silent for longer than that.

    `holders` are the nodes with an active link to it and the oldest event time of each; `activity` is the newest event
    time of anything that touches a node. Whoever was seen again since is silent no more: nothing is at risk then.
    """
    found: list[Arrival] = []
    for newcomer, joined_at in holders:
        before = tuple(sorted(one for one, at in holders if at < joined_at))
        silent_since = max((activity[one] for one in before), default=None)
        if silent_since is not None and joined_at - silent_since > silence:
            found.append(Arrival(newcomer, joined_at, silent_since, before))
    return found
