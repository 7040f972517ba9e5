"""Generated histories with generated definitions; `bench/segment_histories.py` plays ten thousand."""

import pytest

from tests.segment.columnar import a_columnar_store
from tests.segment.histories import play
from tests.segment.history_strategies import STEPS, some_histories


# the second begins at the end of a month, and tells of windows that come in again where its last day is taken
@pytest.mark.parametrize("start", [1, 55])
async def test_histories_agree_with_the_oracle_in_full_and_by_touched_persons(tmp_path, start):
    async with a_columnar_store(tmp_path) as store:
        outcome = await play(store, start, start, 30)
    assert outcome.differences == []
    assert (outcome.histories, outcome.definitions, outcome.steps) == (30, 30, STEPS + 1)
    assert outcome.questions > 30 * 60 * STEPS


def test_the_same_start_gives_the_same_histories():
    assert repr(some_histories(7, 5)) == repr(some_histories(7, 5))
    assert repr(some_histories(7, 5)) != repr(some_histories(8, 5))
