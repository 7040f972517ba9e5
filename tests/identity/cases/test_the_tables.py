"""The tables of docs/IDENTITY.md name tests that exist, and leave out no case and no invariant."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/IDENTITY.md").read_text(encoding="utf-8")


def test_every_test_that_the_tables_name_exists():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", TEXT)
    assert len(named) > 50
    for path, test in named:
        file = ROOT / (path if "/" in path else f"tests/identity/graph/{path}")
        assert f"def {test}(" in file.read_text(encoding="utf-8"), f"{path}::{test}"


def test_no_case_and_no_invariant_is_left_out():
    assert re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE) == [str(number) for number in range(1, 33)]
    assert re.findall(r"^\| ID(\d+) \|", TEXT, re.MULTILINE) == [str(number) for number in range(1, 21)]
