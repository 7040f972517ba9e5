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
    bench) exit {benches} ;;
esac
"""


def on_the_build_machine(
    folder: Path, script: str, *, tests: int = 0, checks: int = 0, benches: int = 0
) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    shutil.copy(PROJECT / ".ci" / script, folder / ".ci")
    (folder / "rapport").write_text(STAND_IN.format(tests=tests, checks=checks, benches=benches))
    (folder / "rapport").chmod(0o755)
    return subprocess.run([str(folder / ".ci" / script)], cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("tests", "checks"), [(0, 0), (1, 0), (0, 1), (5, 1)])
def test_the_build_machine_runs_tests_then_checks_and_closes_with_the_runners_line(tmp_path, tests, checks):
    answer = on_the_build_machine(tmp_path, "run", tests=tests, checks=checks)
    assert (answer.returncode == 0) == (tests == checks == 0)
    assert answer.stdout.splitlines()[-1] == "12 passed in 3.4s"
    assert (tmp_path / "verbs").read_text().split() == ["test", "check"]


@pytest.mark.parametrize(("tests", "benches"), [(0, 0), (1, 0), (0, 1)])
def test_the_night_runs_every_long_form_whatever_failed_before(tmp_path, tests, benches):
    answer = on_the_build_machine(tmp_path, "nightly", tests=tests, benches=benches)
    assert answer.returncode == (1 if tests or benches else 0)
    assert (tmp_path / "verbs").read_text().split() == ["test", "bench", "bench", "bench"]
    closing = answer.stdout.splitlines()[-1]
    assert closing.startswith(
        "nightly: failed: bench segment_histories" if benches else "nightly: failed: test" if tests else "nightly: all"
    )


def test_what_the_night_runs_there_is():
    script = (PROJECT / ".ci" / "nightly").read_text()
    named = [line.split()[2] for line in script.splitlines() if line.startswith("step bench ")]
    assert named == ["random_histories", "service_histories", "segment_histories"]
    assert all((PROJECT / "bench" / f"{name}.py").exists() for name in named)


def test_it_runs_what_the_readme_tells_people_to_run():
    assert "./rapport test" in (PROJECT / "README.md").read_text()
    assert "./rapport test" in Path(PROJECT, ".ci", "run").read_text()
