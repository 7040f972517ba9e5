"""When each node was last named by evidence that links it to nothing, in array passes over all evidence."""

import numpy as np

from services.identity.domain.columns import KINDS, Columns, Flags, Ints
from services.identity.domain.links import DECISIONS
from services.identity.domain.policy import PolicySet

NEVER_ALONE = np.iinfo(np.int64).min


def seen_alone(columns: Columns, policies: PolicySet) -> Ints:
    """Return by node the newest time, in microseconds since 1970, or NEVER_ALONE.

    A fact links all it names, but for what contradicts itself in it (`links.contradictory`), and whoever is left alone
    by that. What follows from values shows nobody.
    """
    sizes = np.diff(columns.start)
    fact = np.repeat(np.arange(len(sizes)), sizes)
    refused = _refused(columns, policies, fact) & ~np.isin(columns.kind, [KINDS.index(one) for one in DECISIONS])[fact]
    left = sizes - np.bincount(fact[refused], minlength=len(sizes))
    alone = (refused | (left < 2)[fact]) & ~columns.derived[fact]
    newest = np.full(len(columns.namespace), NEVER_ALONE)
    np.maximum.at(newest, columns.node[alone], columns.at[fact[alone]])
    return newest


def _refused(columns: Columns, policies: PolicySet, fact: Ints) -> Flags:
    """Return which names contradict another of the same fact: two that count against one cap of one."""
    rules = [policies.of(name) for name in columns.namespaces]
    single = np.array([one.is_singleton for one in rules], dtype=np.bool_)[columns.namespace][columns.node]
    per_scope = np.array([one.cap_per == "scope" for one in rules], dtype=np.bool_)[columns.namespace]
    scopes = int(columns.scope.max(initial=0)) + 1
    bucket = columns.namespace * scopes + np.where(per_scope, columns.scope, 0)
    kinds = int(bucket.max(initial=0)) + 1
    _, place, counts = np.unique(
        fact[single] * kinds + bucket[columns.node[single]], return_inverse=True, return_counts=True
    )
    flags = np.zeros(len(fact), dtype=np.bool_)
    flags[np.flatnonzero(single)[counts[place] > 1]] = True
    return flags
