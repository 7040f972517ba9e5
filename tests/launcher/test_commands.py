import subprocess

import pytest

from launcher.__main__ import COMMANDS, verbs
from launcher.home import PROJECT
from tests.launcher.commands import command, rapport, surroundings


def test_help_lists_every_command_with_a_sentence(tmp_path):
    answer = rapport("help", home=tmp_path)
    assert answer.returncode == 0
    for verb in verbs():
        (line,) = [line for line in answer.stdout.splitlines() if line.startswith(f"  {verb} ")]
        assert len(line.split(maxsplit=1)[1]) > 10
    assert {"demo", "test", "up", "down", "status", "logs", "check", "bench", "shell", "doctor", "help"} <= set(verbs())


def test_no_word_and_a_cry_for_help_are_help(tmp_path):
    assert rapport(home=tmp_path).stdout == rapport("--help", home=tmp_path).stdout


def test_an_unknown_command_points_to_help(tmp_path):
    answer = rapport("fly", home=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr == "rapport: there is no command `fly`; `./rapport help` lists them.\n"


def test_a_reader_who_has_enough_is_no_error(tmp_path):
    process = subprocess.Popen(
        command("help"), env=surroundings(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(20)


def test_every_command_is_one_file_with_a_sentence():
    for path in COMMANDS.glob("*.py"):
        assert path.read_text().startswith('"""'), path


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["status"], 1, "is not up"),
        (["down"], 0, "Rapport is not up."),
        (["logs"], 1, "There are no logs"),
        (["shell"], 1, "The database is not up."),
        (["verify", "--workspace", "acme"], 1, "identity is not up."),
        (["bench", "nothing"], 1, "There is no benchmark `nothing`."),
    ],
)
def test_what_needs_a_running_system_says_so(tmp_path, words, status, said):
    answer = rapport(*words, home=tmp_path / "home")
    assert answer.returncode == status
    assert said in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_doctor_finds_this_machine_fit(tmp_path):
    answer = rapport("doctor", home=tmp_path / "home")
    assert answer.returncode == 0, answer.stdout
    for name in ("python", "memory", "disk", "ports", "postgresql", "nats", "running as root", "time zones"):
        assert f"ok  {name}" in answer.stdout


def test_the_doctor_names_a_data_directory_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    answer = rapport("doctor", home=tmp_path / "file" / "home")
    assert answer.returncode == 1
    assert "BAD data directory" in answer.stdout


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"IDENTITY_PORT": "http"}, "IDENTITY_PORT=http is not a port."),
        ({"IDENTITY_PORT": "99999"}, "IDENTITY_PORT=99999 is not a port."),
        ({"RAPPORT_DATABASE_URL": "mysql://somewhere"}, "RAPPORT_DATABASE_URL is not an address."),
        ({"RAPPORT_NATS_URL": "nats:4222"}, "RAPPORT_NATS_URL is not an address."),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path, environment, said):
    answer = rapport("up", home=tmp_path / "home", **environment)
    assert answer.returncode == 1
    assert said in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_data_directory_that_cannot_be_is_one_clear_line(tmp_path):
    (tmp_path / "file").touch()
    answer = rapport("up", home=tmp_path / "file" / "home")
    assert answer.returncode == 1
    assert "cannot be used" in answer.stderr
    assert "set RAPPORT_HOME" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_database_that_is_away_is_one_clear_line(tmp_path):
    answer = rapport("up", home=tmp_path / "home", RAPPORT_DATABASE_URL="postgresql://u:p@127.0.0.1:1/none")
    assert answer.returncode == 1
    assert "migrations" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_the_tests_command_passes_words_on_and_closes_with_the_runners_line(tmp_path):
    trivial = tmp_path / "test_trivial.py"
    trivial.write_text("def test_one():\n    pass\n")
    words = ["test", "-p", "no:cacheprovider", "-q", "--rootdir", str(tmp_path), "-c", "/dev/null", str(trivial)]
    answer = rapport(*words, home=tmp_path)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.splitlines()[-1].startswith("1 passed in ")


LONG_FORMS = """
import os
import pytest

@pytest.mark.slow
def test_slow():
    pass

def test_law():
    assert os.environ["RAPPORT_EXAMPLES"] == {examples!r}
    assert os.environ["RAPPORT_EVERY"] == "1"

@pytest.mark.skipif("RAPPORT_EXAMPLES" in os.environ, reason="asked for more")
def test_ordinary():
    pass
"""
MARKED = "[pytest]\naddopts = -m 'not slow'\nmarkers =\n    slow: left out\n"


@pytest.mark.parametrize(
    ("words", "environment", "closing"),
    [
        (["--long"], {}, "2 passed, 1 skipped in "),
        (["--long"], {"RAPPORT_EXAMPLES": "7"}, "2 passed, 1 skipped in "),
        (["--long", "-m", "slow"], {}, "1 passed, 2 deselected in "),
        (["-k", "ordinary"], {}, "1 passed, 2 deselected in "),
    ],
)
def test_the_long_forms_are_what_is_slow_and_many_histories_for_each_law(tmp_path, words, environment, closing):
    examples = environment.get("RAPPORT_EXAMPLES", "200")
    (tmp_path / "test_forms.py").write_text(LONG_FORMS.format(examples=examples))
    (tmp_path / "pytest.ini").write_text(MARKED)
    place = ["--rootdir", str(tmp_path), "-c", str(tmp_path / "pytest.ini"), str(tmp_path)]
    answer = rapport("test", *words, "-n0", "-p", "no:cacheprovider", *place, home=tmp_path, **environment)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.splitlines()[-1].startswith(closing)


def test_the_project_is_where_the_launcher_is():
    assert (PROJECT / "rapport").stat().st_mode & 0o111
