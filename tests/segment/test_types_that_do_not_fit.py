"""`On values of another type that arrive later: false`: no operator holds for such a value, and no negative does."""

import pytest

from tests.segment.test_the_table_of_meanings import found


@pytest.mark.parametrize("value", [20, True, ["gold"], {"gold": "gold"}, ["no", "part"]], ids=str)
async def test_neither_contains_nor_not_contains_holds_for_a_value_that_is_no_text(stage, value):
    texts = {"lea": "a golden one", "max": "iron"}
    for name, held in {"kim": value, **texts}.items():
        await stage.trait(name, "x", held)
        await stage.event(name, "e", {"x": held})
        await stage.group(name, f"of {name}")
        await stage.account(f"of {name}", "x", held)
    await stage.create("noa")
    for op, among in (("contains", {"lea"}), ("not_contains", {"max", "noa"})):
        test = {"op": op, "value": "gold"}
        assert await found(stage, {"trait": "x", **test}) == among
        assert await found(stage, {"did": "e", "where": [{"prop": "x", **test}]}) == among - {"noa"}
        assert await found(stage, {"account": "any", "where": [{"trait": "x", **test}]}) == among - {"noa"}


@pytest.mark.parametrize(
    ("tests", "fits_a_list"),
    [
        (("equals", "not_equals"), False),
        (("in", "not_in"), False),
        (("has_any", "has_none"), True),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
async def test_neither_an_operator_nor_its_negative_holds_for_a_value_of_a_type_it_does_not_fit(
    stage, tests, fits_a_list
):
    held = {
        "kim": {"gold": "gold"},
        "lea": "gold",
        "max": "iron",
        "ann": 8,
        "bea": True,
        "eve": ["iron", "tin"],
        "fay": ["gold"],
        "gil": {},
    }
    for name, value in held.items():
        await stage.trait(name, "x", value)
        await stage.event(name, "e", {"x": value})
        await stage.group(name, f"of {name}")
        await stage.account(f"of {name}", "x", value)
    await stage.create("noa")
    plain = {"max", "ann", "bea"}
    wanted = {"lea"} | ({"fay"} if fits_a_list else set()), plain | ({"eve"} if fits_a_list else set())
    for op, among in zip(tests, wanted, strict=True):
        test = {"op": op, "value": ["gold"] if op.endswith("in") else "gold"}
        missing = {"noa"} if op == tests[1] else set()
        assert await found(stage, {"trait": "x", **test}) == among | missing
        assert await found(stage, {"did": "e", "where": [{"prop": "x", **test}]}) == among
        assert await found(stage, {"account": "any", "where": [{"trait": "x", **test}]}) == among
