"""Columns that travel as text arrive as they were."""

from datetime import UTC, datetime, timedelta

import pytest

from libs.common.db import statement
from libs.common.db.as_text import Instants, numbers, words

ROWS = statement(
    "select number, word, (:instants::timestamptz[])[at], truth"
    " from unnest(:numbers::text::bigint[], :words::text::text[], :ats::text::int[], :truths::text::boolean[])"
    " as row (number, word, at, truth)"
)
WORDS = ["login", "", "NULL", None, 'a "quoted" \\ word', "{a,b}", " spaces ", "张伟", "it's\n\ttwo lines", "login"]


@pytest.fixture
async def database(database_of):
    return await database_of("sample")


async def test_columns_arrive_as_they_were_sent(database):
    # an instant to the microsecond, however far, and one that comes twice
    far, near = datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)
    ats = [far, None, near, far, *(far - timedelta(microseconds=n) for n in range(len(WORDS) - 4))]
    given = [(n - 2**40, word, at, n % 3 == 0) for n, (word, at) in enumerate(zip(WORDS, ats, strict=True))]
    instants = Instants()
    async with database.app.transaction([]) as tx:
        found = await tx.fetch(
            ROWS,
            numbers=numbers([one[0] for one in given]),
            words=words([one[1] for one in given]),
            ats=instants.column([one[2] for one in given]),
            truths=numbers([one[3] for one in given]),
            instants=instants.listed,
        )
    assert [tuple(one) for one in found] == given
    assert len(instants.listed) == len(set(ats) - {None})


async def test_a_column_without_an_instant_is_not_sent():
    assert (Instants().column([None, None]), Instants().column([])) == (None, "{}")
    assert (numbers([]), words([])) == ("{}", "{}")
