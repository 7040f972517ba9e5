"""What makes whole-population answers cheap must not change them: sets as the engine writes them, numbers as floats."""

from decimal import Decimal
from operator import eq, ge, gt, le, lt

from hypothesis import given, settings
from hypothesis import strategies as st

from services.segment.domain.values import FLOATS_TELL_APART
from services.segment.store.bitmaps import read_bitmap
from tests.segment.columnar import a_columnar_store

SIZES = (0, 1, 31, 32, 33, 34, 500, 4_096, 5_000, 70_000, 200_000)
STEPS = (1, 3, 70_000)

tenths = st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**27), max_value=10**27)
small = st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-524_287, max_value=524_287)
last_places = st.integers(-3, 3).map(lambda number: Decimal(number).scaleb(-10))


async def test_a_set_is_read_as_the_engine_holds_it(tmp_path):
    async with a_columnar_store(tmp_path) as store:
        for size in SIZES:
            for step in STEPS:
                numbers = f"(select toUInt32(number * {step} % 4294967296) as person from numbers({size}))"
                sql = f"select toString(groupBitmapState(person)) as state from {numbers}"
                table = await store.ask(sql, {})
                state = table.column("state").cast("binary")[0].as_py()
                assert set(read_bitmap(state)) == {number * step % 2**32 for number in range(size)}, (size, step)


@given(stored=tenths, asked=small)
def test_floats_order_exact_numbers_against_a_small_one(stored, asked):
    _assert_same_order(stored, asked)


@given(asked=small, apart=last_places)
@settings(max_examples=500)
def test_floats_order_exact_numbers_that_differ_in_the_last_places(asked, apart):
    _assert_same_order(asked + apart, asked)
    edge = FLOATS_TELL_APART - Decimal(1).scaleb(-10)
    _assert_same_order(edge + apart, edge)


def _assert_same_order(stored, asked):
    for holds in (eq, lt, gt, le, ge):
        assert holds(float(stored), float(asked)) == holds(stored, asked), (holds, stored, asked)
