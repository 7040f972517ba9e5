"""The assignment rule run over loaded regions: what becomes of every link, and which nodes are one person."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.identity.domain.assignment import Assignment, assign
from services.identity.domain.consents import next_step
from services.identity.domain.graph import ACTIVE, SHARED, WAITING, Link, LinkState, Node
from services.identity.domain.links import LinkFacts, latest
from services.identity.domain.plain import plain_regions
from services.identity.store.links import Decision, LinkRow, Pair, ends
from services.identity.store.nodes import Key, NodeRow, number_of, workspace_of
from services.identity.usecases.graph.batch import Batch

Links = dict[Pair, dict[str, LinkFacts]]


@dataclass(slots=True)
class Outcome:
    """What the rule says about all regions of a batch."""

    groups: list[list[Key]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    states: dict[Pair, LinkState | None] = field(default_factory=dict)
    changed: set[Key] = field(default_factory=set)
    """Nodes whose hub state, calm or facts are not as stored."""
    recheck: dict[Key, datetime] = field(default_factory=dict)
    facts: dict[Pair, LinkFacts] = field(default_factory=dict)
    new: set[Pair] = field(default_factory=set)
    """Links that get a row by this batch."""
    said: set[Pair] = field(default_factory=set)
    """Links of which the batch says anything."""


def assign_regions(batch: Batch, decided: set[Key]) -> Outcome:
    """Run the rule over the raw components among the decided nodes, and note what changed."""
    outcome = Outcome()
    outcome.new = {pair for pair, basis in batch.added if basis not in batch.links.get(pair, {})}
    outcome.said = {pair for pair, _ in batch.added}
    by_workspace: dict[int, set[Key]] = {}
    for one in decided:
        by_workspace.setdefault(workspace_of(one), set()).add(one)
    links: dict[int, Links] = {}
    for pair, facts in _merged_links(batch, decided).items():
        if batch.holds.get(pair) not in WAITING or _hold(batch, outcome, pair, facts):
            links.setdefault(workspace_of(pair[0]), {})[pair] = facts
            by_workspace.setdefault(workspace_of(pair[0]), set())
    # One run for all regions of a workspace: they cannot touch each other, and a run each costs twice as much.
    for workspace_id, members in by_workspace.items():
        around = links.get(workspace_id, {})
        settled = _take_plain(batch, outcome, workspace_id, members, around)
        rest = members - settled
        # What is held was told already, and may keep two apart all the same.
        held = {pair for pair, hold in batch.holds.items() if hold in WAITING}
        left = {pair: facts for pair, facts in around.items() if pair in held or pair not in outcome.states}
        if rest or left:
            _assign(batch, outcome, rest, left)
    _expect_expiries(batch, outcome, decided)
    return outcome


def leave_hanging(batch: Batch, outcome: Outcome) -> None:
    """Note the new links to hubs that no region was assigned for."""
    for pair, at in batch.hanging.items():
        if pair in outcome.states:
            continue
        outcome.decisions.append(Decision(pair, SHARED.state, SHARED.reason, None, None))
        if at is not None:
            hubs = [end for end in pair if batch.nodes[end].is_shared]
            outcome.recheck.update((end, min(at, outcome.recheck.get(end, at))) for end in hubs)


def _expect_expiries(batch: Batch, outcome: Outcome, decided: set[Key]) -> None:
    """Have regions looked at again when a grant ends by itself."""
    for one in decided:
        row = batch.nodes[one]
        at = next_step(row.permissions, batch.now[row.workspace_id]) if row.permissions else None
        if at is not None:
            outcome.recheck[one] = min(at, outcome.recheck.get(one, at))


def _hold(batch: Batch, outcome: Outcome, pair: Pair, facts: dict[str, LinkFacts]) -> bool:
    """Note a link in quarantine, where it waits whatever is said; return whether it keeps two apart all the same."""
    state = WAITING[batch.holds[pair]] if any(one.is_claimed for one in facts.values()) else None
    outcome.states[pair], outcome.facts[pair] = state, LinkFacts.together(facts)
    _decide(batch, outcome, pair, state, [])
    return any(one.cannot_at for one in facts.values())


def _take_plain(batch: Batch, outcome: Outcome, workspace_id: int, members: set[Key], links: Links) -> set[Key]:
    """Settle the regions where every link holds whatever the order; return their nodes."""
    edge = frozenset(ends(links) - members)
    names = {one: batch.names[one] for one in (*members, *edge)}
    now = batch.now[workspace_id]
    consents = {one: batch.nodes[one].consents(now) for one in names if batch.nodes[one].permissions}
    hubs = frozenset(one for one in edge if batch.nodes[one].is_shared).union(batch.rising & members)
    plain = plain_regions(names, links, batch.policies[workspace_id], now, consents, hubs, edge)
    settled = {one for group in plain.groups for one in group}
    hanging = set(plain.hanging)
    for pair, by_basis in links.items():
        if pair in hanging:
            if all(one in settled or one in edge for one in pair):
                _take(batch, outcome, pair, by_basis, SHARED)
        elif pair[0] in settled and hubs.isdisjoint(pair):
            _take(batch, outcome, pair, by_basis, ACTIVE)
    for one in settled:
        row = batch.nodes[one]
        shared = one in batch.rising
        if row.is_shared != shared or not row.is_calm:
            row.is_shared, row.is_calm = shared, True
            outcome.changed.add(one)
    outcome.groups.extend(plain.groups)
    undated = _undated(batch, outcome, hanging)
    outcome.recheck.update((one, at) for one, at in plain.recheck.items() if one not in edge or one in undated)
    return settled


def _undated(batch: Batch, outcome: Outcome, pairs: Collection[Pair]) -> set[Key]:
    """Return the ends of links whose time a hub at the edge need not know from when it was assigned itself.

    They are new, come to hold again, or something is said or permitted that may bring their time forward.
    """
    return ends(
        [
            pair
            for pair in pairs
            if pair in outcome.said
            or any(row.state != SHARED.state for row in batch.links[pair].values())
            or any(batch.nodes[end].permissions for end in pair)
        ]
    )


def _take(batch: Batch, outcome: Outcome, pair: Pair, by_basis: dict[str, LinkFacts], state: LinkState) -> None:
    """Note what became of a link of a plain region."""
    outcome.states[pair], outcome.facts[pair] = state, LinkFacts.together(by_basis)
    if pair in outcome.new or _is_news(batch.links[pair].values(), state):
        outcome.decisions.append(Decision(pair, state.state, state.reason, None, None))


def _is_news(rows: Iterable[LinkRow], state: LinkState) -> bool:
    return any(row.state != state.state or row.reason != state.reason for row in rows)


def _merged_links(batch: Batch, decided: set[Key]) -> Links:
    """Return the facts of every link at a decided node: what is stored and what the batch adds."""
    merged = {pair: {basis: row.facts for basis, row in rows.items()} for pair, rows in batch.links.items()}
    for (pair, basis), added in batch.added.items():
        if pair[0] not in decided and pair[1] not in decided and not _is_between_hubs(batch, pair):
            continue
        by_basis = merged.setdefault(pair, {})
        stored = by_basis.get(basis)
        if stored is None:
            by_basis[basis] = added
            continue
        by_basis[basis] = facts = LinkFacts()
        facts.merge(stored)
        facts.merge(added)
    return merged


def _is_between_hubs(batch: Batch, pair: Pair) -> bool:
    return batch.watched.issuperset(pair) and pair not in batch.hanging


def _assign(batch: Batch, outcome: Outcome, inside: set[Key], links: Links) -> None:
    workspace_id = workspace_of(next(iter(inside or ends(links))))
    distant = {
        pair: facts
        for pair, facts in batch.distant.items()
        if pair not in links and pair not in outcome.states and workspace_of(pair[0]) == workspace_id
    }
    keys = sorted(inside.union(*links, *distant), key=lambda one: batch.names[one])
    order = {one: index for index, one in enumerate(keys)}
    nodes = [_node(batch, one, edge=one not in inside) for one in keys]
    pairs = list(links)
    given = [Link(order[pair[0]], order[pair[1]], links[pair], batch.holds.get(pair)) for pair in pairs]
    given += [Link(order[pair[0]], order[pair[1]], facts, distant=True) for pair, facts in distant.items()]
    result = assign(nodes, given, batch.policies[workspace_id], batch.now[workspace_id])
    for pair, state in zip(pairs, result.states, strict=False):
        outcome.states[pair] = state
        outcome.facts[pair] = LinkFacts.together(links[pair])
        if batch.holds.get(pair) not in WAITING:
            _decide(batch, outcome, pair, state, keys)
    outcome.groups.extend([keys[node] for node in group if keys[node] in inside] for group in result.groups)
    _note_nodes(batch, outcome, keys, inside, result)
    undated = _undated(batch, outcome, pairs)
    for node, at in result.recheck.items():
        one = keys[node]
        if one in inside or one in undated or one in batch.rising:
            outcome.recheck[one] = min(at, outcome.recheck.get(one, at))


def _node(batch: Batch, one: Key, *, edge: bool) -> Node:
    row = batch.nodes[one]
    alone_at = latest(row.alone_at, batch.alone.get(one))
    return Node(batch.names[one], alone_at, row.consents(batch.now[row.workspace_id]), known_hub=edge)


def _decide(batch: Batch, outcome: Outcome, pair: Pair, state: LinkState | None, keys: list[Key]) -> None:
    low, high = (None, None) if state is None or state.blockers is None else state.blockers
    decision = Decision(
        pair,
        state.state if state else None,
        state.reason if state else "",
        number_of(keys[low]) if low is not None else None,
        number_of(keys[high]) if high is not None else None,
    )
    told = decision.state, decision.reason, (decision.blocker_low, decision.blocker_high)
    stored = batch.links.get(pair, {})
    if pair in outcome.new or any((row.state, row.reason, row.blockers) != told for row in stored.values()):
        outcome.decisions.append(decision)


def _note_nodes(batch: Batch, outcome: Outcome, keys: list[Key], inside: set[Key], result: Assignment) -> None:
    for index, one in enumerate(keys):
        if one not in inside:
            continue
        row: NodeRow = batch.nodes[one]
        shared, calm = index in result.shared, index in result.calm
        if (row.is_shared, row.is_calm) != (shared, calm):
            row.is_shared, row.is_calm = shared, calm
            outcome.changed.add(one)
