"""Who looks at a terminal sees how far the work is; a file or a pipe gets nothing."""

import pytest

from world.__main__ import main
from world.progress import progress


def test_nothing_is_said_where_nobody_looks(capsys, monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    assert main(["--persons", "10", "--judge"]) == 0
    assert capsys.readouterr().err == ""


def test_a_terminal_is_told_how_much_of_all_is_done(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with progress("counting", 3) as done:
        done(1)
        done(2)
    said = capsys.readouterr()
    assert "counting" in said.err
    assert "3/3" in said.err
    assert said.out == ""


def test_the_bar_is_taken_away_when_the_work_fails(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(SystemExit), progress("counting", 3):
        raise SystemExit
    assert capsys.readouterr().err.endswith("\x1b[?25h")
