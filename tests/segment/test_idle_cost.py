"""What a quiet workspace costs, and how many questions a hop of the clock puts to the columnar store."""

from contextvars import ContextVar
from datetime import timedelta

import pytest

from libs.common.db import Database
from services.segment.jobs import answer_rounds
from services.segment.store.columnar import Columnar
from services.segment.store.slices import HORIZONS
from tests.segment.stage import WORKSPACE

# what is relayed and followed goes on beside the round, in tasks of their own
OF_THE_ROUND: ContextVar[bool] = ContextVar("of_the_round", default=False)
WINDOW = {"did": "bought", "window": {"last": "7 days"}}


@pytest.fixture
def asked(monkeypatch):
    """The questions put to the columnar store."""
    questions = []
    real = Columnar.ask

    async def ask(self, sql, parameters, **more):
        questions.append(sql)
        return await real(self, sql, parameters, **more)

    monkeypatch.setattr(Columnar, "ask", ask)
    return questions


@pytest.fixture
def transactions(monkeypatch):
    """The workspaces each transaction of the test's own round was for."""
    begun = []
    real = Database.transaction

    def transaction(self, workspaces, *more, **named):
        if OF_THE_ROUND.get():
            begun.append(workspaces)
        return real(self, workspaces, *more, **named)

    monkeypatch.setattr(Database, "transaction", transaction)
    return begun


async def test_a_look_at_quiet_workspaces_is_one_transaction_for_all(stage, transactions, asked):
    await stage.create("ada")
    await stage.segment(WINDOW)
    await stage.event("ada", "bought")
    await answer_rounds.next_due(stage.app.runtime, WORKSPACE)
    await answer_rounds.run(stage.app.runtime)
    for loop in stage.app.runtime.loops.values():
        await loop.stop()
    asked.clear()
    OF_THE_ROUND.set(True)
    assert await answer_rounds.run(stage.app.runtime) == 0
    assert len(transactions) == 1
    assert WORKSPACE not in transactions
    assert asked == []


async def test_the_boundary_is_still_met_exactly(stage):
    await stage.create("ada")
    bought = await stage.segment(WINDOW)
    await stage.event("ada", "bought")
    await stage.pass_time(days=6, hours=23, minutes=59)
    assert await stage.members(bought) == {"ada"}
    await stage.pass_time(minutes=2)
    assert await stage.members(bought) == set()


async def test_a_hop_asks_only_what_can_have_an_answer(stage, asked):
    await stage.create("ada")
    bought = await stage.segment(WINDOW)
    await stage.event("ada", "bought")
    asked.clear()
    await stage.pass_time(days=1)
    assert asked == [], "no boundary is passed"
    await stage.event("ada", "unheard")
    assert asked == [], "no segment hears of it, the next boundary stays"
    await stage.event("ada", "bought", at=stage.now)
    ahead = [question for question in asked if "min(at)" in question]
    assert len(asked) - len(ahead) == 1, "her answer; no slice"
    assert len(ahead) <= len(HORIZONS), "the next boundary, looked for further and further ahead"
    asked.clear()
    await stage.pass_time(days=6, hours=23)
    assert await stage.members(bought) == {"ada"}
    assert len([question for question in asked if "min(at)" not in question]) <= 2, "the first purchase left the window"
    await stage.pass_time(hours=2)
    assert await stage.members(bought) == set()


async def test_a_late_event_whose_end_was_passed_meanwhile_is_counted_right(stage, asked):
    await stage.create("ada", "bob")
    bought = await stage.segment(WINDOW)
    await stage.event("bob", "bought")
    await stage.pass_time(days=1)
    await stage.event("ada", "bought", at=stage.now - timedelta(days=6, hours=23))
    assert await stage.members(bought) == {"ada", "bob"}
    await stage.pass_time(hours=2)
    assert await stage.members(bought) == {"bob"}
    await stage.pass_time(days=7)
    assert await stage.members(bought) == set()
