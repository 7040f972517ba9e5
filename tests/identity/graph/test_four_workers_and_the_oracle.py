"""The real graph on PostgreSQL under four workers at once: evidence, merges, cuts, erasures, repeats and the clock.

After every round the stored partition is that of the pure function over what was said, less what was erased, and every
stored link is the sum of its evidence. The short form has the same histories every time, the long one others.
"""

import asyncio
import os
import random
import time
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from libs.common.db import Tx, statement
from libs.common.errors import Gone, NotFound
from libs.common.ids import new_id
from services.identity.domain.erasing import without
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.links import LinkFacts, link_pairs
from services.identity.store import nodes, persons
from services.identity.store.nodes import key
from services.identity.usecases.erase_person import Wish, erase_person
from services.identity.usecases.graph.tools import GraphTools
from tests.fixtures.postgres import Templates
from tests.identity.graph.graphs import Graph
from tests.identity.graph.test_the_service_equals_the_oracle import assert_equal
from tests.identity.graph.worlds import DENSE, NOW, a_history, an_identifier, evidence

WORKERS = 4
VALUES = 5
HISTORIES = int(os.environ.get("RAPPORT_HISTORIES", "300"))
"""How many histories the long form tries; each run tries others."""

EVERYTHING = [
    an_identifier(name, value, ("" if name != "openid" else "app1" if value % 2 else "app2"))
    for name in sorted(DENSE.policies)
    for value in range(VALUES)
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 10**6), st.integers(1, 6)),
        st.tuples(st.just("take"), st.integers(0, 10**6), st.integers(1, 6)),
        st.tuples(st.just("repeat"), st.integers(0, 10**6), st.integers(1, 4)),
        st.tuples(st.just("merge"), st.sampled_from(EVERYTHING), st.sampled_from(EVERYTHING)),
        st.tuples(st.just("cut"), st.sampled_from(EVERYTHING), st.sampled_from(EVERYTHING)),
        st.tuples(st.just("erase"), st.sampled_from(EVERYTHING), st.just(0)),
    ),
    min_size=WORKERS,
    max_size=3 * WORKERS,
)


class FourWorkers(RuleBasedStateMachine):
    """One workspace a history; the database and the loop are the test's."""

    runner: asyncio.Runner
    templates: Templates
    database: Any
    workspaces = count(100)
    tally: Counter[str]
    """How much was tried: histories, rounds, and steps by their word."""

    def __init__(self) -> None:
        super().__init__()
        self.tally["histories"] += 1
        self.graph = Graph(self.database, workspace_id=next(FourWorkers.workspaces))
        self.runner.run(self._begin())
        self.tools = [self.graph.fresh_tools() for _ in range(WORKERS)]
        self.said: dict[UUID, Evidence] = {}
        self.numbers = count(1)
        self.ever: set[UUID] = set()

    async def _begin(self) -> None:
        await self.graph.declare(self.graph.workspace_id, DENSE)
        await self.graph.set_clock(NOW)

    @rule(steps=STEPS)
    def work(self, steps: list[tuple[str, Any, Any]]) -> None:
        """Share steps out among the workers, who go at once."""
        self.tally.update(("rounds", *(word for word, *_ in steps)))
        planned = [self._planned(*step) for step in steps]
        shares = [planned[number::WORKERS] for number in range(WORKERS)]
        self.runner.run(self._at_once(shares))
        self.runner.run(self._judge())

    @precondition(lambda self: self.said)
    @rule(days=st.sampled_from([1, 9, 30, 61]))
    def wait(self, days: int) -> None:
        """Let time pass: what is due then is looked at again."""
        self.tally.update(("rounds", "wait"))
        self.runner.run(self.graph.set_clock(self.graph.now + timedelta(days=days)))
        self.runner.run(self._judge())

    def _planned(self, step: str, one: Any, other: Any) -> tuple[str, Any]:
        if step == "take":
            fresh = [self._evidence(made) for made in a_history(random.Random(one), other, VALUES)]
            return "take", fresh
        if step == "repeat":
            known = list(self.said.values())
            return "take", random.Random(one).sample(known, min(other, len(known)))
        if step == "erase" or one == other:
            return "erase", one
        kind = "must_link" if step == "merge" else "cannot_link"
        return "take", [self._evidence(evidence(0, one, other, kind=kind, tier=0, at=100))]  # type: ignore[arg-type]

    def _evidence(self, made: Evidence) -> Evidence:
        numbered = evidence(next(self.numbers), *made.identifiers, kind=made.kind, tier=made.tier, at=made.event_time)
        self.said[numbered.event_id] = numbered
        return numbered

    async def _at_once(self, shares: list[list[tuple[str, Any]]]) -> None:
        await asyncio.gather(*(self._share(share, tools) for share, tools in zip(shares, self.tools, strict=True)))

    async def _share(self, share: list[tuple[str, Any]], tools: GraphTools) -> None:
        for step, given in share:
            if step == "erase":
                await self._erase(given, tools)
            elif given:
                await self.graph.take(given, tools=tools)

    async def _erase(self, identifier: Identifier, tools: GraphTools) -> None:
        home, wish = self.graph.workspace_id, Wish(new_id(), "somebody")

        async def work(tx: Tx) -> None:
            name = home, tools.lookup(home, identifier)
            found = (await nodes.find(tx, [name])).get(name)
            if found is None or not found[1]:
                return
            owner = key(home, found[1])
            row = (await persons.read(tx, [owner]))[owner]
            await erase_person(tx, tools, home, row.person_id, wish)

        try:
            await self.graph.again_when_lost(home, work)
        except (Gone, NotFound):
            return  # somebody else erased him first

    async def _judge(self) -> None:
        await self.graph.look_again()
        erased = await self._erased()
        left = [without(one, erased, DENSE) for one in self.said.values()]
        stored = await self.graph.stored()
        assert_equal(stored, [one for one in left if one is not None], DENSE, self.graph.now)
        assert not erased & stored.ids.keys()
        assert await self.graph.stored_facts() == added_up([one for one in left if one is not None])
        assert await self._dangling() == []
        await self._every_id_leads_somewhere(set(stored.ids.values()))

    async def _erased(self) -> set[Identifier]:
        async with self.graph.database.worker.transaction(self.graph.workspace_id) as tx:
            rows = await tx.fetch(statement("select lookup from tombstone"))
        buried = {row["lookup"] for row in rows}
        mentioned = {identifier for one in self.said.values() for identifier in one.identifiers}
        tools = self.graph.tools
        return {one for one in mentioned if tools.lookup(self.graph.workspace_id, one) in buried}

    async def _dangling(self) -> list[Any]:
        """Return evidence and links that name an identifier which is gone."""
        async with self.graph.database.worker.transaction(self.graph.workspace_id) as tx:
            return await tx.fetch(
                statement(
                    "select event_id, node_no::text from evidence, unnest(node_nos || centre_no) node_no"
                    " where node_no not in (select node_no from node)"
                    " union all select null, low_no::text from link"
                    " where low_no not in (select node_no from node) or high_no not in (select node_no from node)"
                )
            )

    async def _every_id_leads_somewhere(self, living: set[UUID]) -> None:
        self.ever |= living
        async with self.graph.database.worker.transaction(self.graph.workspace_id) as tx:
            rows = await tx.fetch(
                statement(
                    "select p.person_id, p.state, r.person_id as target, exists (select from node n where"
                    " n.workspace_id = p.workspace_id and n.anonymous_no = p.person_no) as is_anonymous"
                    " from person p left join person r"
                    " on r.workspace_id = p.workspace_id and r.person_no = p.redirect_to"
                )
            )
        known = {row["person_id"]: (row["state"], row["target"]) for row in rows}
        assert self.ever <= known.keys()
        # the time of a device that is nobody's has a person of its own, who owns nothing now
        anonymous = {row["person_id"] for row in rows if row["is_anonymous"]}
        active = {one for one, (state, _) in known.items() if state == "active"}
        assert living <= active <= living | anonymous
        assert all(target in living for state, target in known.values() if state == "merged")
        assert all(target is None for state, target in known.values() if state == "erased")


def added_up(said: list[Evidence]) -> dict[tuple[Identifier, Identifier], LinkFacts]:
    """Return what evidence says about each pair, the end that sorts first first."""
    facts: dict[tuple[Identifier, Identifier], LinkFacts] = {}
    for one in said:
        for pair, added in link_pairs(one, DENSE):
            known = facts.setdefault(pair, added)
            if known is not added:
                known.merge(added)
    return facts


def run(templates: Templates, tally: Counter[str], *, examples: int, rounds: int, derandomize: bool) -> None:
    """Try histories in one database, each in a workspace of its own; `tally` is told how much was tried.

    Nothing is shrunk: what fails once need not fail in the next interleaving.
    """
    with asyncio.Runner() as runner:

        async def opened() -> Any:
            context = templates.clone("identity", pool_size=WORKERS + 1)
            return context, await context.__aenter__()

        context, database = runner.run(opened())
        try:
            given = {"runner": runner, "database": database, "templates": templates, "tally": tally}
            machine = type("Machine", (FourWorkers,), given)
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples, stateful_step_count=rounds, deadline=None, derandomize=derandomize,
                    database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        finally:
            runner.run(context.__aexit__(None, None, None))


def test_four_workers_with_merges_cuts_erasures_and_repeats_end_where_the_oracle_says(templates: Templates) -> None:
    tally = Counter[str]()
    run(templates, tally, examples=4, rounds=3, derandomize=True)
    assert tally["histories"] >= 4
    assert min(tally[word] for word in ("take", "repeat", "merge", "cut", "erase", "wait")) > 0, tally


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_hundreds_of_histories_of_four_workers_end_where_the_oracle_says(templates: Templates) -> None:
    begun, tally = time.perf_counter(), Counter[str]()
    try:
        run(templates, tally, examples=HISTORIES, rounds=8, derandomize=False)
    finally:  # also where somebody ends it
        print(f"{dict(tally)} in {time.perf_counter() - begun:.0f} s")
    assert tally["histories"] >= HISTORIES
