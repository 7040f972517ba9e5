"""A table of refused rows may be opened in a spreadsheet: nothing in it is run."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.ids import new_id
from services.identity.api.imports import _line
from services.identity.store.quarantine import QuarantineRow

FORMULAS = ["=1+1", "+8613912345678", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")']


def a_row(detail: str) -> QuarantineRow:
    return QuarantineRow(
        workspace_id=1, quarantine_id=new_id(), source_id=1, received_at=datetime(2026, 1, 1, tzinfo=UTC),
        reason="bad_value", pointer="/phone", detail=detail, payload=b"", row_no=7,
    )  # fmt: skip


def cells(detail: str, form: str = "csv") -> list[str]:
    line = _line(a_row(detail), b'{"phone": "x"}', form).decode()
    return next(csv.reader(io.StringIO(line, newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_cell_that_begins_like_a_formula_is_text(formula: str) -> None:
    assert cells(formula) == ["7", "bad_value", "/phone", f"'{formula}", '{"phone": "x"}']


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_every_cell_comes_back_or_is_marked_as_text(detail: str) -> None:
    assert cells(detail)[3] in {detail, f"'{detail}"}
    assert cells(detail)[3][:1] not in set("=+-@\t\r")


@pytest.mark.parametrize("formula", FORMULAS)
def test_ndjson_is_the_lossless_path(formula: str) -> None:
    assert json.loads(_line(a_row(formula), b"{}", "ndjson"))["detail"] == formula
