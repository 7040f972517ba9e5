"""The oracle: the partition into persons rebuilt from the whole evidence, the judge of the incremental service."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec

from services.identity.domain.assignment import Assignment, assign
from services.identity.domain.consents import SILENT, Consents
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.graph import Hold, Link, LinkState, Node
from services.identity.domain.links import LinkFacts, Pair, latest, link_pairs, once_each
from services.identity.domain.policy import PolicySet


class Refused(msgspec.Struct, frozen=True):
    """A link that holds nobody together, with why and the identifiers that stand in the way."""

    state: str
    reason: str
    blockers: tuple[Identifier, Identifier] | None = None


class Partition(msgspec.Struct, frozen=True):
    """Who is whom: every identifier in exactly one person; `refused` are all links that are not active."""

    persons: frozenset[frozenset[Identifier]]
    active: frozenset[Pair]
    refused: dict[Pair, Refused]
    shared: frozenset[Identifier]
    recheck_at: datetime | None = None

    def person_of(self, identifier: Identifier) -> frozenset[Identifier]:
        """Return the identifiers of the person who holds this one; empty when it was never seen."""
        return next((person for person in self.persons if identifier in person), frozenset())

    def among(self, known: Collection[Identifier]) -> "Partition":
        """Return the persons of these identifiers alone, without any other they have."""
        chosen = frozenset(known)
        left = (person & chosen for person in self.persons)
        return msgspec.structs.replace(self, persons=frozenset(person for person in left if person))


class Graph(msgspec.Struct):
    """Evidence added up, ready for the assignment rule."""

    nodes: list[Node]
    links: list[Link]


def graph_of(
    evidence: Iterable[Evidence],
    policies: PolicySet,
    consents: Mapping[Identifier, Consents] | None = None,
    holds: Mapping[Pair, Hold] | None = None,
) -> Graph:
    """Add evidence up to nodes, in the order of their identifiers, and links; `holds` are decisions about links."""
    facts: dict[Pair, dict[str, LinkFacts]] = {}
    alone: dict[Identifier, datetime | None] = {}
    for one in once_each(evidence):
        linked: set[Identifier] = set()
        for pair, said in link_pairs(one, policies):
            linked.update(pair)
            by_basis = facts.setdefault(pair, {})
            known = by_basis.setdefault(one.consent_basis or "", said)
            if known is not said:
                known.merge(said)
        for identifier in one.identifiers:
            at = None if identifier in linked else one.effective_time
            alone[identifier] = latest(alone.get(identifier), at)
    order = {identifier: index for index, identifier in enumerate(sorted(alone))}
    known_consents, decided = consents or {}, holds or {}
    nodes = [Node(identifier, alone[identifier], known_consents.get(identifier, SILENT)) for identifier in order]
    links = [
        Link(order[low], order[high], by_basis, decided.get((low, high))) for (low, high), by_basis in facts.items()
    ]
    return Graph(nodes, links)


def partition(
    evidence: Iterable[Evidence],
    policies: PolicySet,
    now: datetime,
    consents: Mapping[Identifier, Consents] | None = None,
    holds: Mapping[Pair, Hold] | None = None,
) -> Partition:
    """Return the partition: a function of the evidence set, the policies, consents, decisions about links and now."""
    graph = graph_of(evidence, policies, consents, holds)
    return described(graph, assign(graph.nodes, graph.links, policies, now))


def described(graph: Graph, result: Assignment) -> Partition:
    """Say an assignment in identifiers."""
    names = [node.identifier for node in graph.nodes]
    active: set[Pair] = set()
    refused: dict[Pair, Refused] = {}
    for link, state in zip(graph.links, result.states, strict=True):
        pair = names[link.low], names[link.high]
        if state is not None and state.state == "active":
            active.add(pair)
        elif state is not None:
            refused[pair] = Refused(state.state, state.reason, _named(state, names))
    return Partition(
        persons=frozenset(frozenset(names[node] for node in group) for group in result.groups),
        active=frozenset(active),
        refused=refused,
        shared=frozenset(names[node] for node in result.shared),
        recheck_at=min(result.recheck.values(), default=None),
    )


def _named(state: LinkState, names: list[Identifier]) -> tuple[Identifier, Identifier] | None:
    return None if state.blockers is None else (names[state.blockers[0]], names[state.blockers[1]])
