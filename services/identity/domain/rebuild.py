"""The partition of a whole workspace from its evidence, in array passes over what is plain.

Most of a graph is plain (plain.py): nothing was ever taken back, no cap is reached, no two parties meet over a leaf
alone. There the persons are the connected parts of what holds, and no order of links matters. What is not plain goes
to the rule itself, with all evidence that touches it. The pure partition (partition.py) is the judge of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from services.identity.domain.assignment import assign
from services.identity.domain.columns import EPOCH, KINDS, Columns, Flags, Ints, Names
from services.identity.domain.consents import Consents
from services.identity.domain.evidence import INFERRED, Identifier
from services.identity.domain.graph import WAITING, Hold
from services.identity.domain.partition import graph_of
from services.identity.domain.parts import connected
from services.identity.domain.plain import rules_of
from services.identity.domain.policy import PolicySet
from services.identity.domain.respelling import unheld

PLAIN_KINDS = frozenset({"login", "bind", "import", "observe", "logout"})
Holds = Mapping[tuple[int, int], Hold]
"""Decisions about links by the places of their two nodes, in any order."""
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """By node: the least node of its person, whether it is a hub, and whether it is an alias that is nobody's (and the
    only one of its person here); `by_rule` nodes went through the rule itself."""

    person: Ints
    shared: Flags
    nobodys: Flags
    by_rule: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What the array passes settled: parts and hubs by node. `rest` is left to the rule, which has to hear `facts` and
    know the identifiers of `nodes`."""

    person: Ints
    shared: Flags
    rest: Flags
    facts: Ints
    nodes: Ints


@dataclass(frozen=True, slots=True)
class _Links:
    """Pairs of nodes that evidence connects, each once, with the newest time of any of it."""

    low: Ints
    high: Ints
    at: Ints

    def only(self, chosen: Flags) -> "_Links":
        return _Links(self.low[chosen], self.high[chosen], self.at[chosen])


class _Policies:
    """What the policies say, by node."""

    def __init__(self, columns: Columns, policies: PolicySet) -> None:
        self.rules = [rules_of(policies.of(name)) for name in columns.namespaces]
        self.priority = self._by_node(columns, [policies.of(name).priority for name in columns.namespaces])
        self.names = self._by_node(columns, [rule.names for rule in self.rules]).astype(np.bool_)
        self.bridges = self._by_node(columns, [rule.bridges for rule in self.rules]).astype(np.bool_)
        self.single = self._by_node(columns, [rule.is_singleton for rule in self.rules]).astype(np.bool_)
        self.strong = self._by_node(columns, [rule.strong for rule in self.rules]).astype(np.bool_)
        self.ttl = self._by_node(columns, [_microseconds(rule.ttl) for rule in self.rules])
        self.crowd = self._by_node(columns, [_or_never(rule.hub_threshold) for rule in self.rules])
        self.most = self._by_node(columns, [_or_never(rule.most) for rule in self.rules])
        scopes = int(columns.scope.max(initial=0)) + 1
        per_scope = self._by_node(columns, [rule.per_scope for rule in self.rules]).astype(np.bool_)
        self.bucket = columns.namespace * scopes + np.where(per_scope, columns.scope, 0)

    @staticmethod
    def _by_node(columns: Columns, by_namespace: list[int] | list[bool]) -> Ints:
        return np.array(by_namespace, dtype=np.int64)[columns.namespace]


def _or_never(value: int | None) -> int:
    return NEVER if value is None else value


def _microseconds(span: timedelta | None) -> int:
    return NEVER if span is None else span // timedelta(microseconds=1)


def rebuild(
    columns: Columns,
    names: Names,
    policies: PolicySet,
    now: datetime,
    consents: Mapping[Identifier, Consents] | None = None,
    holds: Holds | None = None,
) -> Rebuilt:
    """Return the partition of all nodes: a function of the evidence, the policies, now, and decisions about links."""
    settled = outline(columns, policies, now, holds or {})
    return complete(settled, columns, names(settled.nodes), policies, now, consents or {}, holds or {})


def outline(columns: Columns, policies: PolicySet, now: datetime, holds: Holds) -> Outline:
    """Return what can be said of all nodes without knowing what any of them is called."""
    count = len(columns.namespace)
    told = _Policies(columns, policies)
    links, stirred, uncertain = _stars(columns, told)
    stirred |= columns.restless
    # a link that is withdrawn at its far end does not count towards a hub
    uncertain |= columns.restless
    if policies.reassigns or policies.linking == "opt_in":
        stirred[:] = True
    links = links.only(_alive(links, told, now) & ~_held(links, holds))
    shared = _hubs(links, told, stirred, uncertain)
    links = links.only(~(shared[links.low] | shared[links.high]))
    firm = told.bridges[links.low] & told.bridges[links.high]
    parties = connected(count, links.low[firm], links.high[firm])
    person = connected(count, links.low, links.high)
    apart = np.zeros(count, dtype=np.bool_)
    apart[person[stirred]] = True
    apart[_torn(person, parties, told)] = True
    apart[_overfull(person, told)] = True
    apart[_oversized(person, told, policies.safeguards.largest_person)] = True
    rest: Flags = apart[person] & ~shared
    fact = np.repeat(np.arange(len(columns.kind)), np.diff(columns.start))
    heard = np.zeros(len(columns.kind), dtype=np.bool_)
    heard[fact[rest[columns.node]]] = True
    return Outline(person, shared, rest, np.flatnonzero(heard), np.unique(columns.node[heard[fact]]))


def _stars(columns: Columns, told: _Policies) -> tuple[_Links, Flags, Flags]:
    """Return the links of all stars, the nodes about which something else than plain was said, and those superseded."""
    sizes = np.diff(columns.start)
    fact = np.repeat(np.arange(len(sizes)), sizes)
    priority = told.priority[columns.node]
    best = np.full(len(sizes), NEVER)
    np.minimum.at(best, fact, priority)
    strongest = priority == best[fact]
    odd = ~np.isin(columns.kind, [KINDS.index(one) for one in PLAIN_KINDS]) | (columns.tier >= INFERRED)
    # What two spellings or a number and its hash say is for the rule: it hangs on their names and on what is declared.
    odd |= columns.derived
    odd &= sizes > 1
    # With several of one strength the bytes decide which is the middle: that is the rule's to say.
    odd |= np.bincount(fact[strongest], minlength=len(sizes)) > 1
    odd |= _contradictory(columns, told, fact, len(sizes))
    touched = np.zeros(len(columns.namespace), dtype=np.bool_)
    touched[columns.node[odd[fact]]] = True
    uncertain = np.zeros_like(touched)
    uncertain[columns.node[(columns.kind == KINDS.index("supersede"))[fact]]] = True
    centre = np.zeros(len(sizes), dtype=np.int64)
    centre[fact[strongest]] = columns.node[strongest]
    spoke = columns.node != centre[fact]
    return _once(columns.node[spoke], centre[fact[spoke]], columns.at[fact[spoke]]), touched, uncertain


def _contradictory(columns: Columns, told: _Policies, fact: Ints, facts: int) -> Flags:
    """Return which facts name two of a singleton namespace."""
    single = told.single[columns.node]
    kinds = int(told.bucket.max(initial=0)) + 1
    found, counts = np.unique(fact[single] * kinds + told.bucket[columns.node[single]], return_counts=True)
    flags = np.zeros(facts, dtype=np.bool_)
    flags[found[counts > 1] // kinds] = True
    return flags


def _once(one: Ints, other: Ints, at: Ints) -> _Links:
    """Return each pair once, with its newest time."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    width = int(high.max(initial=0)) + 1
    key = low * width + high
    order = np.argsort(key)
    key, at = key[order], at[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, dtype=np.int64)
    newest = np.maximum.reduceat(at, first) if len(first) else at
    return _Links(key[first] // width, key[first] % width, newest)


def _alive(links: _Links, told: _Policies, now: datetime) -> Flags:
    """Return which links were seen recently enough."""
    ttl = np.minimum(told.ttl[links.low], told.ttl[links.high])
    age = (now - EPOCH) // timedelta(microseconds=1) - links.at
    alive: Flags = ttl > age
    return alive


def _held(links: _Links, holds: Holds) -> Flags:
    """Return which links wait in quarantine."""
    held = [(min(pair), max(pair)) for pair, hold in holds.items() if hold in WAITING]
    width = int(max(links.high.max(initial=0), max((high for _, high in held), default=0))) + 1
    flags: Flags = np.isin(links.low * width + links.high, [low * width + high for low, high in held])
    return flags


def _oversized(person: Ints, told: _Policies, largest: int | None) -> Ints:
    """Return the parts that are too large for one person."""
    if largest is None:
        return np.zeros(0, dtype=np.int64)
    large: Ints = np.flatnonzero(np.bincount(person[told.bridges], minlength=1) > largest)
    return large


def _hubs(links: _Links, told: _Policies, stirred: Flags, uncertain: Flags) -> Flags:
    """Return the hubs; where it is not sure that a node is one it is stirred instead."""
    reached = np.zeros(len(stirred), dtype=np.int64)
    doubtful = np.zeros(len(stirred), dtype=np.bool_)
    for end, other in ((links.low, links.high), (links.high, links.low)):
        counts = np.where(told.bridges[end], told.single[other], told.strong[other])
        reached += np.bincount(end[counts], minlength=len(stirred))
        doubtful[end[uncertain[other]]] = True
    crowded = reached > told.crowd
    doubtful |= stirred
    stirred |= crowded & doubtful
    return crowded & ~doubtful


def _torn(person: Ints, parties: Ints, told: _Policies) -> Ints:
    """Return the parts in which several parties that name somebody meet over leaves alone."""
    width = max(len(person), 1)
    found = np.unique(person[told.names] * width + parties[told.names]) // width
    several: Ints = found[1:][found[1:] == found[:-1]]
    return several


def _overfull(person: Ints, told: _Policies) -> Ints:
    """Return the parts that hold more of a kind than a person may."""
    capped = np.flatnonzero(told.most != NEVER)
    kinds = int(told.bucket.max(initial=0)) + 1
    found, first, counts = np.unique(
        person[capped] * kinds + told.bucket[capped], return_index=True, return_counts=True
    )
    over: Ints = found[counts > told.most[capped[first]]] // kinds
    return over


def complete(
    settled: Outline,
    columns: Columns,
    names: Sequence[Identifier],
    policies: PolicySet,
    now: datetime,
    consents: Mapping[Identifier, Consents],
    holds: Holds,
) -> Rebuilt:
    """Assign what is left by the rule, from all evidence that names it; `names` are those of the outline's nodes."""
    person, shared, rest = settled.person.copy(), settled.shared.copy(), settled.rest
    clear = dict(zip(settled.nodes.tolist(), names, strict=True))
    number = {name: one for one, name in clear.items()}
    said = columns.evidence(settled.facts, clear)
    graph = graph_of(said, policies, consents, _named(holds, clear))
    numbers = [number[node.identifier] for node in graph.nodes]
    for node, one in zip(graph.nodes, numbers, strict=True):
        node.known_hub = bool(shared[one])
    result = assign(graph.nodes, graph.links, policies, now)
    shared[[numbers[one] for one in result.shared if rest[numbers[one]]]] = True
    for group in result.groups:
        members = [numbers[one] for one in group if rest[numbers[one]]]
        person[members] = min(members, default=0)
    nobodys = np.zeros_like(shared)
    nobodys[[number[one] for one in unheld(said, policies)]] = True
    return Rebuilt(_least(person), shared, nobodys, int(rest.sum()))


def _named(holds: Holds, clear: Mapping[int, Identifier]) -> dict[tuple[Identifier, Identifier], Hold]:
    named: dict[tuple[Identifier, Identifier], Hold] = {}
    for (one, other), hold in holds.items():
        if one in clear and other in clear:
            low, high = sorted((clear[one], clear[other]))
            named[low, high] = hold
    return named


def _least(person: Ints) -> Ints:
    """Name every part by its least node, so that equal partitions are equal arrays."""
    least = np.full(len(person), NEVER)
    np.minimum.at(least, person, np.arange(len(person)))
    return least[person]
