"""What a quiet workspace costs, and how many questions a hop of the clock puts to the columnar store."""

import pytest

from libs.common.db import Database
from services.segment.jobs import answer_rounds
from services.segment.store.columnar import Columnar
from tests.segment.stage import WORKSPACE

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
    """The workspaces each transaction was for."""
    begun = []
    real = Database.transaction

    def transaction(self, workspaces, *more, **named):
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
    transactions.clear()
    asked.clear()
    assert await answer_rounds.run(stage.app.runtime) == 0
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
