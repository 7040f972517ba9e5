"""The stored graph as tests drive and read it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from libs.common.contracts.profile.permission_changed import PermissionChanged, PermissionStep
from libs.common.db import Tx, statement
from libs.common.errors import Unavailable
from libs.common.personal import Sealer
from services.identity.domain.consents import Permission
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import LinkFacts
from services.identity.domain.policy import Declared, NamespaceKind, PolicySet
from services.identity.store import links as link_store
from services.identity.store import nodes as node_store
from services.identity.store import policies as policy_store
from services.identity.store import regions
from services.identity.store.nodes import key
from services.identity.usecases.graph.batch import Batch, Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.recompute_regions import recompute_regions
from services.identity.usecases.take_permissions import take_permissions
from tests.fixtures.postgres import ServiceDatabase
from tests.identity.graph.worlds import NOW

WORKSPACE = 7
T = TypeVar("T")


@dataclass
class Stored:
    """The partition as PostgreSQL holds it, in identifiers."""

    persons: frozenset[frozenset[Identifier]]
    active: frozenset[frozenset[Identifier]]
    refused: dict[frozenset[Identifier], tuple[str, str]]
    shared: frozenset[Identifier]
    ids: dict[Identifier, UUID]
    nobodys: frozenset[Identifier]
    """Identifiers that belong to nobody; among `persons` they are by themselves."""


@dataclass
class Graph:
    """A graph in its own database, under a clock that stands still unless it is set."""

    database: ServiceDatabase
    now: datetime = NOW
    namespaces: Sequence[NamespaceKind] = ()
    workspace_id: int = WORKSPACE
    sealer: Sealer = field(default_factory=lambda: Sealer({1: b"k" * 32}))

    def __post_init__(self) -> None:
        self.tools = self.fresh_tools()

    def fresh_tools(self) -> GraphTools:
        """Tools as another process would have them."""
        return GraphTools(sealer=lambda _: self.sealer, now=lambda _: self.now, namespaces=self.namespaces)

    async def declare(self, workspace_id: int, policies: PolicySet) -> None:
        async with self.database.worker.transaction(workspace_id) as tx:
            declared = Declared(policies.policies, policies.safeguards, policies.linking)
            await policy_store.put(tx, workspace_id, declared, self.now)
            await regions.schedule_all(tx, workspace_id, self.now)

    async def take(
        self, events: Sequence[Evidence], *, workspace_id: int | None = None, tools: GraphTools | None = None
    ) -> Batch:
        """Take one batch, again when it lost against another worker."""
        home = self.workspace_id if workspace_id is None else workspace_id

        async def work(tx: Tx) -> Batch:
            return await resolve_evidence(tx, [Fact(home, one) for one in events], tools or self.tools)

        return await self.again_when_lost(home, work)

    async def hear(
        self, said: Sequence[tuple[Identifier, str, Permission]], *, tools: GraphTools | None = None
    ) -> None:
        """Hear what profile says of identifiers that are known here."""
        using = tools or self.tools

        async def work(tx: Tx) -> None:
            names = [(self.workspace_id, using.lookup(self.workspace_id, identifier)) for identifier, _, _ in said]
            numbers = await node_store.find(tx, names)
            events = [
                PermissionChanged(
                    workspace_id=self.workspace_id, received_at=self.now, occurred_at=self.now, purpose=purpose,
                    subject_no=numbers[name][0], version=permission.version,
                    steps=tuple(PermissionStep(step.since, step.state) for step in permission.steps),
                )
                for name, (_, purpose, permission) in zip(names, said, strict=True)
                if name in numbers
            ]  # fmt: skip
            await take_permissions(tx, events, using)

        await self.again_when_lost(self.workspace_id, work)

    async def again_when_lost(self, workspace_id: int, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Return what `work` does in a transaction of its own, again when it lost against another worker."""
        for attempt in range(20):
            try:
                async with self.database.worker.transaction(workspace_id) as tx:
                    return await work(tx)
            except Exception as error:
                if "deadlock" not in str(error) and not isinstance(error, Unavailable):
                    raise
                await asyncio.sleep(random.random() * 0.05 * (attempt + 1))
        raise AssertionError("twenty deadlocks in a row")

    async def look_again(self) -> int:
        """Look at every region that is due, again when it lost against a worker; return how many there were."""

        async def work(tx: Tx) -> int:
            due = await regions.claim(tx, 50)
            await recompute_regions(tx, due, self.tools)
            return len(due)

        done = 0
        while looked_at := await self.again_when_lost(self.workspace_id, work):
            done += looked_at
        return done

    async def set_clock(self, now: datetime) -> None:
        """Drive the workspace's clock."""
        self.now = now
        async with self.database.worker.transaction(self.workspace_id) as tx:
            await tx.execute(
                statement(
                    "insert into workspace (workspace_id, key, name, driven_now) values (:one, :key, 'Acme', :now)"
                    " on conflict (workspace_id) do update set driven_now = excluded.driven_now"
                ),
                one=self.workspace_id,
                key=f"acme-{self.workspace_id}",
                now=now,
            )

    async def stored_facts(self) -> dict[tuple[Identifier, Identifier], LinkFacts]:
        """Read what every stored pair adds up to, all consent bases together, the end that sorts first first."""
        async with self.database.worker.transaction(self.workspace_id) as tx:
            nodes = await tx.fetch(statement("select * from node"))
            around = await link_store.around(tx, [key(self.workspace_id, row["node_no"]) for row in nodes])
        names = {
            key(self.workspace_id, row["node_no"]): Identifier(
                row["namespace"], row["scope"], self.sealer.open(row["sealed"]).decode()
            )
            for row in nodes
        }
        found: dict[tuple[Identifier, Identifier], LinkFacts] = {}
        for (low, high), row in {(pair, row.basis): (pair, row) for pair, row in around}.values():
            one, other, facts = names[low], names[high], row.facts
            if one > other:
                one, other = other, one
                facts.replaced_low_at, facts.replaced_high_at = facts.replaced_high_at, facts.replaced_low_at
            known = found.setdefault((one, other), facts)
            if known is not facts:
                known.merge(facts)
        return found

    async def stored(self, workspace_id: int | None = None) -> Stored:
        """Read the whole partition."""
        async with self.database.worker.transaction(self.workspace_id if workspace_id is None else workspace_id) as tx:
            rows = await tx.fetch(statement("select * from node"))
            links = await tx.fetch(statement("select * from link"))
            people = await tx.fetch(statement("select * from person"))
        names = {
            row["node_no"]: Identifier(row["namespace"], row["scope"], self.sealer.open(row["sealed"]).decode())
            for row in rows
        }
        ids = {row["person_no"]: row["person_id"] for row in people if row["state"] == "active"}
        groups: dict[int, set[Identifier]] = {}
        nobodys = frozenset(names[row["node_no"]] for row in rows if not row["person_no"])
        for row in (one for one in rows if one["person_no"]):
            groups.setdefault(row["person_no"], set()).add(names[row["node_no"]])
        states = {row["person_no"]: row["state"] for row in people}
        # the time of a device that is nobody's has a person of its own, who owns nothing now
        anonymous = {row["anonymous_no"] for row in rows} - groups.keys()
        odd = {one: (states.get(one), groups.get(one)) for one in (groups.keys() ^ ids.keys()) - anonymous}
        assert odd == {}, "every living person owns something, and every owner lives"
        pairs = [(frozenset((names[row["low_no"]], names[row["high_no"]])), row) for row in links]
        return Stored(
            persons=frozenset(map(frozenset, [*groups.values(), *([one] for one in nobodys)])),
            active=frozenset(pair for pair, row in pairs if row["state"] == "active"),
            refused={
                pair: (row["state"], row["reason"]) for pair, row in pairs if row["state"] not in {None, "active"}
            },
            shared=frozenset(names[row["node_no"]] for row in rows if row["is_shared"]),
            ids={names[row["node_no"]]: ids[row["person_no"]] for row in rows if row["person_no"]},
            nobodys=nobodys,
        )
