"""Exact JSON and its types."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.trait import read_traits
from services.profile.domain.values import accepts, canonical, is_empty, parse_json, type_of

numbers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20),
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(json_values)
def test_the_canonical_text_is_its_own_canonical_text(value):
    text = canonical(value)
    assert canonical(parse_json(text)) == text
    text.decode("utf-8")
    assert b"\x00" not in text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("9007199254740993", b"9007199254740993"),
        ("0.1000000000", b"0.1"),
        ("1.0", b"1"),
        ("1e2", b"100"),
        ("12345678901234567890.123456789", b"12345678901234567890.123456789"),
        ("1e400", b'"1e400"'),
        ("9" * 5000, b'"' + b"9" * 5000 + b'"'),
        ('"\\u0000\\ud800"', '"��"'.encode()),
    ],
)
def test_numbers_stay_exact_and_nothing_unstorable_survives(raw, text):
    assert canonical(parse_json(raw)) == text


def test_a_text_that_nests_too_deep_is_refused():
    with pytest.raises(ValueError, match="deep"):
        parse_json("[" * 100_000)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "boolean"), (1, "number"), (Decimal("1.5"), "number"), ("x", "text"), ("2026-02-29", "text"),
        ("2024-02-29", "date"), ("2026-01-01T10:00:00Z", "time"), ("2026-01-01T10:00:00.123+08:00", "time"),
        ("2026-01-01T99:00:00Z", "text"), ([1], "list"), ({"a": 1}, "object"),
    ],
)  # fmt: skip
def test_each_value_has_one_type(value, kind):
    assert type_of(value) == kind


def test_a_declared_text_takes_what_merely_looks_like_a_date():
    assert accepts("text", "date")
    assert not accepts("date", "text")


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_nothing_said_never_overwrites(value):
    assert is_empty(value)
    assert read_traits({"a": value}, frozenset()) == []


def test_verbs_are_read_and_personal_names_marked():
    said = read_traits(
        {"tier": "gold", "$set_once": {"origin": "shop"}, "$unset": ["email", "x" * 300, 5], "$other": 1, "": 2},
        frozenset({"email"}),
    )
    assert [(s.name, s.kind, s.personal) for s in said] == [
        ("tier", "set", False),
        ("origin", "set_once", False),
        ("email", "unset", True),
    ]
