"""Integers too large for a float are kept like all numbers beyond the exact ones: their events stay and compare."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.db import statement
from services.segment.domain.values import Facet, stored
from tests.segment.stage import WORKSPACE, Stage

HUGE = 10**400
MOST_DIGITS = 4_300
"""Longer integers are refused where they are read."""
huge = st.builds(lambda digits, sign: sign * (10**digits - 1), st.integers(300, MOST_DIGITS), st.sampled_from([1, -1]))


@given(huge)
def test_every_integer_is_laid_down_and_orders_as_a_number(number: int):
    laid = stored(number)
    assert laid.facets == int(Facet.NUMBER | Facet.NUMERIC)
    assert laid.text == str(number)
    assert (laid.number > 0) == (number > 0)
    assert abs(laid.number) >= 10**299
    assert laid == stored(Decimal(number)), "as the same number is that came as a decimal"


@pytest.mark.parametrize("number", [HUGE, -HUGE, 10**4_299], ids=["huge", "negative", "longest"])
async def test_an_event_and_a_trait_with_such_a_number_are_asked_like_any_other(stage: Stage, number: int):
    sign, less = ("gt", 10**300) if number > 0 else ("lt", -(10**300))
    definitions = (
        {"did": "Bought"},
        {"did": "Bought", "where": [{"prop": "price", "op": sign, "value": 5}]},
        {
            "did": "Bought",
            "where": [{"prop": ["of", "it"], "op": sign, "value": less}],
        },
        {"trait": "worth", "op": sign, "value": 10**20},
        {"trait": "all", "op": "has_any", "value": [1]},
    )
    segments = [await stage.segment(definition) for definition in definitions]
    await stage.event("kim", "Bought", {"price": number, "of": {"it": number}})
    await stage.trait("kim", "worth", number)
    await stage.trait("kim", "all", [number, 1])
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        assert await tx.fetch_value(statement("select count(*) from segment.dead_letter")) == 0
    assert [await stage.members(one) for one in segments] == [{"kim"}] * len(segments)
    assert [(await stage.preview(one))["count"] for one in definitions] == [1] * len(definitions)
    total = {"aggregate": "max", "event": "Bought", "prop": "price", "op": sign, "value": 0}
    assert (await stage.preview(total))["count"] == 1
