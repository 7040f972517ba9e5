"""An erased identifier is found in a call that waits, wherever it stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.calls import scalar_text
from services.identity.domain.mentions import texts_in

OPENID = "otAzGjrS4AYCmeJM1GhEOcHXXTAo"


@pytest.mark.parametrize(
    "call",
    [
        {"unreadable": f"<xml><FromUserName><![CDATA[{OPENID}]]></FromUserName>" + "<a>" * 500},
        {"unreadable": "this line is no JSON", "text": '{"note": "' + "x" * 600 + f'", "openid": "{OPENID}"'},
        {"unreadable": "the row has 2 cells, the header 1", "cells": {"a": "b", "column 2": OPENID}},
        {"traits": {OPENID: {"tier": "gold"}}},
        {"properties": {"n": list(range(5_000)), "who": OPENID}},
        {"who": OPENID, "properties": {"n": list(range(5_000))}},
    ],
)
def test_an_identifier_is_found_in_what_could_not_be_read(call: dict[str, object]) -> None:
    assert OPENID in set(texts_in(json.dumps(call).encode()))
    assert OPENID in set(texts_in(json.dumps(call).encode() + b"}")), "nor in what is no JSON"


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
))  # fmt: skip
def test_whatever_a_reader_would_take_for_an_identifier_is_among_the_texts(call: object) -> None:
    found = set(texts_in(json.dumps(call).encode()))

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                assert name in found
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif (text := scalar_text(value)) is not None:
            assert text in found

    walk(call)
