"""A segment's definition: a tree of all / any / none groups over conditions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from services.segment.domain.condition import Concerns, Condition, Grammar, Inquiry
from services.segment.domain.edges import TimeEdge
from services.segment.domain.fault import Fault, InvalidDefinition
from services.segment.domain.formula import All, AnyOf, Formula, Not
from services.segment.domain.reader import Reader, Refused

GroupKind = Literal["all", "any", "none"]
GROUPS: tuple[GroupKind, ...] = ("all", "any", "none")
ANONYMOUS, FLAGS = "anonymous", ("in", "out")
"""The flag of a definition: whether persons whom nothing names are in (by default) or out."""
DEEPEST = 100
MOST_CONDITIONS = 500


@dataclass(frozen=True)
class Group:
    """Several nodes that must all, any or none hold."""

    kind: GroupKind
    nodes: tuple["Node", ...]
    pointer: str = ""


@dataclass(frozen=True)
class Leaf:
    """A condition and where it stands."""

    condition: Condition
    pointer: str = ""


Node = Group | Leaf


@dataclass(frozen=True)
class Definition:
    """A parsed definition."""

    root: Node

    def leaves(self) -> Iterator[Leaf]:
        """Yield the conditions, in order."""
        waiting: list[Node] = [self.root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Leaf):
                yield node
            else:
                waiting.extend(reversed(node.nodes))

    def formula(self, inquiry: Inquiry) -> Formula:
        """Ask the store all its questions; return the persons it means."""
        return formula_of(self.root, inquiry)

    def concerns(self) -> Concerns:
        """Return what it looks at."""
        return reduce(
            lambda left, right: left | right, (leaf.condition.concerns() for leaf in self.leaves()), Concerns()
        )

    def edges(self) -> frozenset[TimeEdge]:
        """Return who must be asked again as the clock goes on."""
        return frozenset(edge for leaf in self.leaves() for edge in leaf.condition.edges())


def formula_of(node: Node, inquiry: Inquiry) -> Formula:
    """Return the persons a node means."""
    if isinstance(node, Leaf):
        return node.condition.formula(inquiry)
    return _grouped(node.kind, tuple(formula_of(child, inquiry) for child in node.nodes))


def formula_without(node: Node, pointer: str, leaves: Mapping[str, Formula]) -> Formula | None:
    """Return the persons a node would mean without the condition at `pointer`; None when nothing is left of it.

    `leaves` are the formulas of its conditions: each is spelled once, however many conditions are left out in turn.
    """
    if isinstance(node, Leaf):
        return None if node.pointer == pointer else leaves[node.pointer]
    kept = tuple(inner for child in node.nodes if (inner := formula_without(child, pointer, leaves)) is not None)
    return _grouped(node.kind, kept) if kept else None


def _grouped(kind: GroupKind, inner: tuple[Formula, ...]) -> Formula:
    match kind:
        case "all":
            return All(inner)
        case "any":
            return AnyOf(inner)
        case "none":
            return Not(AnyOf(inner))


def all_of(bodies: Sequence[object]) -> dict[str, object]:
    """Return one definition of whom all of them mean; the flag of any of them is the flag of all."""
    parts: list[object] = []
    flagged: dict[str, object] = {}
    for body in bodies:
        if isinstance(body, dict) and ANONYMOUS in body:
            flagged |= {ANONYMOUS: "out"} if body[ANONYMOUS] == "out" else {}
            body = {member: value for member, value in body.items() if member != ANONYMOUS}  # noqa: PLW2901 - without it
        parts.append(body)
    return {"all": parts, **flagged}


def parse_definition(body: object, grammar: Grammar, *, pointer: str = "") -> Definition:
    """Read a definition; raises InvalidDefinition with every fault found and the pointer to each."""
    faults: list[Fault] = []
    root = _root(Reader(body, pointer, faults), grammar)
    if faults or root is None:
        raise InvalidDefinition(tuple(faults))
    definition = Definition(root)
    if sum(1 for _ in definition.leaves()) > MOST_CONDITIONS:
        raise InvalidDefinition((Fault(pointer, f"more than {MOST_CONDITIONS} conditions"),))
    return definition


def _root(reader: Reader, grammar: Grammar) -> Node | None:
    """Read the tree, and beside the group at its root the flag that leaves anonymous persons out."""
    if not isinstance(reader.value, dict) or ANONYMOUS not in reader.value:
        return _node(reader, grammar, 0)
    rest = {member: value for member, value in reader.value.items() if member != ANONYMOUS}
    tree = _node(Reader(rest, reader.pointer, reader.faults), grammar, 0)
    given = reader.get(ANONYMOUS)
    try:
        if given is None or tree is None:
            return tree
        if isinstance(tree, Leaf):
            raise given.refuse("it stands beside a group: put the condition into `all`")
        if given.one_of(*FLAGS) == "in":
            return tree
    except Refused:
        return None
    named = grammar.conditions["person"].parse(Reader({"person": "named"}, given.pointer, reader.faults), grammar)
    return Group("all", (tree, Leaf(named, given.pointer)), reader.pointer)


def _node(reader: Reader, grammar: Grammar, depth: int) -> Node | None:
    try:
        return _read_node(reader, grammar, depth)
    except Refused:
        return None


def _read_node(reader: Reader, grammar: Grammar, depth: int) -> Node:
    if depth > DEEPEST:
        raise reader.refuse(f"groups are nested deeper than {DEEPEST}")
    members = reader.members()
    kinds: tuple[GroupKind, ...] = tuple(kind for kind in GROUPS if kind in members)
    if kinds:
        reader.only(*kinds[:1])
        children = reader.at(kinds[0])
        nodes = [_node(child, grammar, depth + 1) for child in children.items()]
        if not nodes:
            raise children.refuse("an empty group says nothing: add a condition")
        return Group(kinds[0], tuple(node for node in nodes if node is not None), reader.pointer)
    marks = [key for key in members if key in grammar.conditions]
    if not marks:
        known = ", ".join((*GROUPS, *sorted(grammar.conditions)))
        raise reader.refuse(f"this is no condition; one has one of the members {known}")
    if len(marks) > 1:
        raise reader.refuse(f"`{marks[0]}` and `{marks[1]}` are two conditions: put them into a group")
    return Leaf(grammar.conditions[marks[0]].parse(reader, grammar), reader.pointer)
