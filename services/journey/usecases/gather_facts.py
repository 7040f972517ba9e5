"""What the decisions of a batch of runs may know, read in a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.journey.domain.graph import Graph
from services.journey.domain.node import Facts, Question
from services.journey.domain.signal import Signal
from services.journey.store.assignments import PersonKey, load_arms
from services.journey.store.due_runs import Loaded
from services.journey.store.graphs import GraphKey
from services.journey.store.signals import Listening, read_properties, recall_outcomes, recall_signals


@dataclass(frozen=True)
class Gathered:
    """Signals and outcomes by run, arms by person."""

    heard: Mapping[UUID, list[Signal]]
    outcomes: Mapping[UUID, list[Signal]]
    arms: Mapping[PersonKey, Mapping[str, str]]

    def facts_of(self, one: Loaded, answers: Mapping[Question, Any], zone: tzinfo) -> Facts:
        """Return the facts of one run."""
        run = one.run
        heard = (*self.heard.get(run.run_id, ()), *self.outcomes.get(run.run_id, ()))
        arms = self.arms.get((run.workspace_id, run.journey_id, run.person_no), {})
        return Facts(one.claimed.now, zone, heard, answers, arms)


async def gather_facts(
    tx: Tx, loaded: Sequence[Loaded], *, graphs: Mapping[GraphKey, Graph], sealers: Mapping[int, Sealer]
) -> Gathered:
    """Read what these runs' journeys look at, and nothing else."""
    listening: list[Listening] = []
    names: set[str] = set()
    drawing: set[PersonKey] = set()
    sending: list[UUID] = []
    for one in loaded:
        run = one.run
        graph = graphs[run.workspace_id, run.journey_id, run.version]
        if graph.listens:
            names |= graph.listens
            listening.append(Listening(run.run_id, run.workspace_id, run.person_no, run.entry_time, run.entry_event_id))
        if graph.draws:
            drawing.add((run.workspace_id, run.journey_id, run.person_no))
        node = graph.nodes.get(run.node)
        if node is not None and node.hears_messages and not run.arriving:
            sending.append(run.run_id)
        if graph.reads_entry:
            run.entry = read_properties(one.context, one.sealed, sealers[run.workspace_id])
    return Gathered(
        heard=await recall_signals(tx, listening, names=names, sealers=sealers),
        outcomes=await recall_outcomes(tx, sending),
        arms=await load_arms(tx, sorted(drawing)),
    )
