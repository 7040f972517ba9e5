"""A definition that was found sound: nodes by id, ways between them, what it listens to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.journey.domain.definition import Definition
from services.journey.domain.node import NEXT, Node


@dataclass(frozen=True)
class Move:
    """Where a person goes whose node was deleted by a new version: to a node, to the end, or out."""

    to: str | None = None
    exits: bool = False


@dataclass(frozen=True)
class Graph:
    """One version of a journey, ready to be walked; `moves` says where people in deleted nodes go."""

    definition: Definition
    nodes: Mapping[str, Node]
    moves: Mapping[str, Move] = field(default_factory=dict)

    @cached_property
    def _following(self) -> Mapping[str, str | None]:
        order = list(self.nodes)
        return dict(zip(order, [*order[1:], None], strict=True))

    @property
    def first(self) -> str:
        """Return the node a run reaches first."""
        return next(iter(self.nodes))

    def following(self, node: str) -> str | None:
        """Return the node after one in the author's list; None after the last."""
        return self._following[node]

    def way(self, node: str, branch: str) -> str | None:
        """Return where a way out leads; None is the end."""
        named = self.nodes[node].branches()
        if branch in named:
            return named[branch]
        return named.get(NEXT, self._following[node])

    def ways(self, node: str) -> tuple[tuple[str, str | None], ...]:
        """Return all ways out of a node as (branch, target)."""
        step = self.nodes[node]
        named = dict(step.branches())
        if step.falls_through and NEXT not in named:
            named[NEXT] = self._following[node]
        return tuple(named.items())

    @cached_property
    def listens(self) -> frozenset[str]:
        """Return the names of all signals that may move a run of this version."""
        rules = {rule.signal for rule in self.definition.exit_rules}
        goal = {self.definition.goal.signal} if self.definition.goal else set()
        return frozenset(rules | goal | {name for node in self.nodes.values() for name in node.listens()})

    @cached_property
    def reads_entry(self) -> bool:
        """Return whether any decision looks into the event that began the run."""
        rules = (*self.definition.exit_rules, *((self.definition.goal,) if self.definition.goal else ()))
        return any(rule.reads_entry for rule in rules) or any(node.reads_entry for node in self.nodes.values())

    @cached_property
    def draws(self) -> bool:
        """Return whether arms are drawn and remembered."""
        return self.definition.control is not None or any(node.draws for node in self.nodes.values())

    @cached_property
    def cyclic(self) -> frozenset[str]:
        """Return the nodes that can be reached from themselves: only they are visited more than once."""
        return frozenset(node for node in self.nodes if node in self._reached_from(node))

    def _reached_from(self, start: str) -> set[str]:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            for _branch, target in self.ways(waiting.pop()):
                if target is not None and target not in reached:
                    reached.add(target)
                    waiting.append(target)
        return reached

    @cached_property
    def unreachable(self) -> tuple[str, ...]:
        """Return the nodes nobody can reach."""
        reached = self._reached_from(self.first) | {self.first}
        return tuple(node for node in self.nodes if node not in reached)

    def segments(self) -> tuple[tuple[str, str], ...]:
        """Return every segment named, with the JSON pointer to where."""
        found: list[tuple[str, str]] = []
        definition = self.definition
        if definition.entry.segment:
            found.append(("/entry/segment", definition.entry.segment))
        found += [(f"/exit_rules/{n}/segment", r.segment) for n, r in enumerate(definition.exit_rules) if r.segment]
        if definition.goal and definition.goal.segment:
            found.append(("/goal/segment", definition.goal.segment))
        for number, node in enumerate(self.nodes.values()):
            found += [(f"/nodes/{number}/{pointer}", segment) for pointer, segment in node.segments()]
        return tuple(found)

    def conditions(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """Return every condition in the language of segments, with the JSON pointer to where."""
        return tuple(
            (f"/nodes/{number}/{pointer}", condition)
            for number, node in enumerate(self.nodes.values())
            for pointer, condition in node.conditions()
        )
