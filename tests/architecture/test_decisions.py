"""The table of decisions names only what is there."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docs/DECISIONS.md").read_text()
NAMED = re.findall(r"`((?:libs|services|launcher|world|demo|bench|tests|docs)/[^`: ]*)(?:::(\w+))?`", TEXT)


def test_every_path_named_is_there() -> None:
    assert len(NAMED) > 200
    assert sorted({path for path, _ in NAMED if not (PROJECT / path).exists()}) == []


def test_every_test_named_is_there() -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED
        if name and not re.search(rf"def {name}\(", (PROJECT / path).read_text() if (PROJECT / path).exists() else "")
    ]
    assert missing == []


def test_every_reason_cited_has_its_page() -> None:
    pages = {int(path.name[:4]) for path in (PROJECT / "docs/adr").glob("*.md")}
    assert {int(number) for number in re.findall(r"ADR (\d+)", TEXT)} <= pages
