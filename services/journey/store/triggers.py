"""What the journeys of a workspace listen to, in memory: an event nobody listens to costs one look-up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement
from services.journey.domain.definition import Goal
from services.journey.domain.graph import Graph
from services.journey.store.graphs import Graphs

ANYWHERE = "*"
"""Listened to at whatever node a run is: exit rules and goals."""


@dataclass
class Triggers:
    """By signal name: journeys that it brings people into, runs it may move, goals it may reach."""

    revision: int = -1
    entries: dict[str, list[tuple[UUID, int, Graph]]] = field(default_factory=dict)
    listeners: dict[str, dict[UUID, set[str]]] = field(default_factory=dict)
    goals: dict[str, set[UUID]] = field(default_factory=dict)
    graphs: dict[tuple[UUID, int], Graph] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Return whether anybody listens to a signal."""
        return name in self.entries or name in self.listeners

    def goal_of(self, journey_id: UUID, version: int) -> Goal | None:
        """Return the goal a version has."""
        graph = self.graphs.get((journey_id, version))
        return graph.definition.goal if graph else None

    def add(self, journey_id: UUID, version: int, graph: Graph, *, enters: bool) -> None:
        """Take a version into the index; `enters` for the one that new people come into."""
        definition = graph.definition
        self.graphs[journey_id, version] = graph
        if enters and definition.entry.signal is not None:
            self.entries.setdefault(definition.entry.signal, []).append((journey_id, version, graph))
        for rule in (*definition.exit_rules, *((definition.goal,) if definition.goal else ())):
            self.listeners.setdefault(rule.signal, {}).setdefault(journey_id, set()).add(ANYWHERE)
        if definition.goal is not None:
            self.goals.setdefault(definition.goal.signal, set()).add(journey_id)
        for node in graph.nodes.values():
            for name in node.listens():
                self.listeners.setdefault(name, {}).setdefault(journey_id, set()).add(node.id)


_STATE = statement("""
    select w.workspace_id, coalesce(w.driven_now, clock_timestamp()) as now, coalesce(r.revision, 0) as revision
    from workspace w left join revision r using (workspace_id)
    where w.workspace_id = any(:workspace_ids)
""")
_VERSIONS = statement("""
    select v.workspace_id, v.journey_id, v.version, j.status = 'live' and v.version = j.version as enters
    from journey j join journey_version v using (workspace_id, journey_id)
    where j.workspace_id = any(:workspace_ids) and j.status <> 'draft'
""")


class TriggerIndex:
    """The triggers of this process by workspace, as current as the transaction that asks."""

    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs
        self._by_workspace: dict[int, Triggers] = {}

    async def current(
        self, tx: Tx, workspace_ids: Iterable[int]
    ) -> tuple[Mapping[int, Triggers], Mapping[int, datetime]]:
        """Return triggers and the present, by workspace."""
        rows = await tx.fetch(_STATE, workspace_ids=sorted(set(workspace_ids)))
        now = {row["workspace_id"]: row["now"] for row in rows}
        revisions = {row["workspace_id"]: row["revision"] for row in rows}
        stale = [w for w, r in revisions.items() if w not in self._by_workspace or self._by_workspace[w].revision != r]
        if stale:
            await self._load(tx, stale, revisions)
        return {workspace: self._by_workspace[workspace] for workspace in now}, now

    async def _load(self, tx: Tx, stale: list[int], revisions: Mapping[int, int]) -> None:
        fresh = {workspace: Triggers(revisions[workspace]) for workspace in stale}
        rows = await tx.fetch(_VERSIONS, workspace_ids=stale)
        graphs = await self._graphs.of(tx, [(r["workspace_id"], r["journey_id"], r["version"]) for r in rows])
        for workspace_id, journey_id, version, enters in rows:
            fresh[workspace_id].add(journey_id, version, graphs[workspace_id, journey_id, version], enters=enters)
        self._by_workspace.update(fresh)
