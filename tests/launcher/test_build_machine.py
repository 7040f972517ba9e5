import shutil
import subprocess
from pathlib import Path

import pytest

from launcher.home import PROJECT

STAND_IN = """#!/bin/sh
echo "$1" >>verbs
[ -t 0 ] && echo "has a terminal" >>verbs
case $1 in
    test) echo "collecting"; echo "12 passed in 3.4s"; exit {tests} ;;
    check) echo "check: 5 passed"; exit {checks} ;;
esac
"""


@pytest.mark.parametrize(("tests", "checks"), [(0, 0), (1, 0), (0, 1), (5, 1)])
def test_the_build_machine_runs_tests_then_checks_and_closes_with_the_runners_line(tmp_path, tests, checks):
    (tmp_path / ".ci").mkdir()
    shutil.copy(PROJECT / ".ci" / "run", tmp_path / ".ci")
    (tmp_path / "rapport").write_text(STAND_IN.format(tests=tests, checks=checks))
    (tmp_path / "rapport").chmod(0o755)
    command = [str(tmp_path / ".ci" / "run")]
    answer = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert (answer.returncode == 0) == (tests == checks == 0)
    assert answer.stdout.splitlines()[-1] == "12 passed in 3.4s"
    assert (tmp_path / "verbs").read_text().split() == ["test", "check"]


def test_it_runs_what_the_readme_tells_people_to_run():
    assert "./rapport test" in (PROJECT / "README.md").read_text()
    assert "./rapport test" in Path(PROJECT, ".ci", "run").read_text()
