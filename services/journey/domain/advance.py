"""Walk one run as far as it goes now: pure, so that a trial, a test and the engine decide alike."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from services.journey.domain.chance import lot
from services.journey.domain.graph import Graph
from services.journey.domain.node import NEXT, Ask, End, Facts, Go, Message, Question, Stay
from services.journey.domain.run import ENTRY, ExitReason, Run, RunState
from services.journey.domain.signal import earliest

JourneyStatus = Literal["draft", "live", "paused", "stopped"]
CONTROL = "$control"
"""The name under which the control arm is stored among a person's arms."""
ZONE = Question("trait", "timezone")
MOST_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the log: a node reached, left, or both at once."""

    node: str
    visit: int
    arrived: bool
    left: bool
    branch: str = ""
    reason: str = ""
    values: Any = None


@dataclass(slots=True)
class Advance:
    """What becomes of a run: its state, the moment to look again, and all that has to be written down."""

    state: RunState = "active"
    reason: ExitReason | None = None
    due_at: datetime | None = None
    parked: bool = False
    converted_at: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    arms: dict[str, str] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()

    @property
    def ended(self) -> bool:
        """Return whether the run is over."""
        return self.state in {"completed", "exited"}


def advance(run: Run, graph: Graph, facts: Facts, status: JourneyStatus) -> Advance:
    """Move `run` (in place) until it waits, ends or needs an answer; say what to write."""
    found = Advance(state="active" if run.arriving else "waiting")
    if _leaves_by_rule(run, graph, facts, found):
        return found
    if status == "stopped":
        return _finish(run, found, "operator")
    if status == "paused":
        found.parked = True
        return found
    if run.node == ENTRY:
        _enter(run, graph, facts, found)
    elif run.node not in graph.nodes and _leaves_deleted_node(run, graph, facts, found):
        return found
    for _ in range(MOST_STEPS):
        if _take_step(run, graph, facts, found):
            return found
    return _finish(run, found, "loop", "too many steps at once")


def _leaves_by_rule(run: Run, graph: Graph, facts: Facts, found: Advance) -> bool:
    """Exit rules and the goal act at once, wherever the run is, by event time."""
    definition = graph.definition
    goal = None
    if definition.goal is not None:
        last = definition.goal.window.after(run.entry_time) if definition.goal.window else None
        heard = [s for s in facts.heard if last is None or s.at < last]
        goal = earliest((definition.goal,), heard, run.entry)
    exit_rule = earliest(definition.exit_rules, facts.heard, run.entry)
    if goal is not None:
        found.converted_at = goal[1].at
    if goal is not None and (exit_rule is None or goal[1].order <= exit_rule[1].order):
        _finish(run, found, "goal", goal[1].name)
    elif exit_rule is not None:
        _finish(run, found, "exit_rule", definition.exit_rules[exit_rule[0]].label)
    return found.ended


def _finish(run: Run, found: Advance, reason: ExitReason | None, detail: str = "") -> Advance:
    found.state = "completed" if reason is None else "exited"
    found.reason = reason
    branch = f"exit:{reason}" if reason else "end"
    found.steps.append(Step(run.node, run.visit, arrived=run.arriving, left=True, branch=branch, reason=detail))
    return found


def _enter(run: Run, graph: Graph, facts: Facts, found: Advance) -> None:
    control = graph.definition.control
    if control is not None:
        arm = facts.arms.get(CONTROL)
        if arm is None:
            arm = "control" if lot(f"{run.journey_id}/{CONTROL}", run.person_id) < control.percent else "treatment"
            found.arms[CONTROL] = arm
        run.arm = "control" if arm == "control" else "treatment"
    found.steps.append(Step(ENTRY, 1, arrived=True, left=True, branch=NEXT, reason=run.arm))
    _arrive(run, graph, graph.first, facts.now)


def _arrive(run: Run, graph: Graph, node: str, now: datetime) -> None:
    run.node, run.arriving, run.arrived_at, run.visit = node, True, now, 1
    if node in graph.cyclic:
        run.visit = run.visits.get(node, 0) + 1
        run.visits = {**run.visits, node: run.visit}


def _leaves_deleted_node(run: Run, graph: Graph, facts: Facts, found: Advance) -> bool:
    move = graph.moves.get(run.node)
    if move is None or move.exits:
        return _finish(run, found, "version", "its node was deleted").ended
    found.steps.append(Step(run.node, run.visit, arrived=run.arriving, left=True, branch="version"))
    if move.to is None:
        found.state = "completed"
        return True
    _arrive(run, graph, move.to, facts.now)
    return False


def _take_step(run: Run, graph: Graph, facts: Facts, found: Advance) -> bool:
    """Let the node decide once; return whether the run comes to rest."""
    node = graph.nodes[run.node]
    if node.needs_zone and run.zone is None and ZONE not in facts.answers:
        found.state, found.questions = "active" if run.arriving else "waiting", (ZONE,)
        return True
    outcome = node.decide(run, facts)
    if isinstance(outcome, Ask):
        found.state, found.questions = "active" if run.arriving else "waiting", outcome.questions
        return True
    if outcome.message is not None:
        found.messages.append(outcome.message)
    if isinstance(outcome, End):
        return _finish(run, found, outcome.reason, outcome.detail).ended
    if isinstance(outcome, Stay):
        if run.arriving:
            found.steps.append(Step(run.node, run.visit, arrived=True, left=False, reason=outcome.reason))
        run.arriving = False
        found.state, found.due_at = "waiting", outcome.until
        return True
    return _go(run, graph, facts, found, outcome)


def _go(run: Run, graph: Graph, facts: Facts, found: Advance, outcome: Go) -> bool:
    if outcome.assign is not None:
        found.arms[run.node] = outcome.assign
    found.steps.append(
        Step(run.node, run.visit, run.arriving, True, outcome.branch, outcome.reason, outcome.values or None)
    )
    target = graph.way(run.node, outcome.branch)
    if target is None:
        found.state = "completed"
        return True
    _arrive(run, graph, target, facts.now)
    return False
