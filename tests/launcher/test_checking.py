"""What the runners of tests and checks make of the machine."""

import sys

import pytest

from launcher.commands import check
from launcher.commands import test as testing

MEETING = """
import sys, time
from pathlib import Path
mine, other = map(Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.01)
"""


def test_checks_run_beside_each_other(tmp_path, monkeypatch, capsys):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    meeting = [sys.executable, "-c", "import signal; signal.alarm(20)\n" + MEETING]
    monkeypatch.setattr(check, "CHECKS", {"first": [*meeting, one, two], "second": [*meeting, two, one]})
    assert check.run([]) == 0
    assert capsys.readouterr().out.splitlines() == ["first       ok", "second      ok", "check: 2 passed"]


def test_a_check_that_fails_is_told_with_what_it_says_and_the_others_go_on(monkeypatch, capsys):
    bad = [sys.executable, "-c", "print('it is wrong'); raise SystemExit(3)"]
    monkeypatch.setattr(check, "CHECKS", {"bad": bad, "good": [sys.executable, "-c", ""]})
    assert check.run([]) == 1
    said = capsys.readouterr().out
    assert "bad         FAILED\nit is wrong\n" in said
    assert said.splitlines()[-2:] == ["good        ok", "check: 1 passed, failed: bad"]


@pytest.mark.parametrize("words", [["-n0"], ["-n", "2"], ["--dist", "load"], ["tests/a.py::test_b"], ["--pdb"]])
def test_who_says_how_tests_are_spread_is_heard(words):
    assert testing.workers(words) == []


def test_tests_are_spread_over_one_worker_more_than_there_are_processors(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1, 4}, raising=False)
    assert testing.workers(["tests/journey"]) == ["-n", "4", "--dist", "loadscope"]
