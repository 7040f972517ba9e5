"""The real thing: `./rapport up` on a data directory of the test's own."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from launcher import process
from launcher.home import Home
from launcher.nats_permissions import SERVICES
from tests.launcher.commands import command, rapport, surroundings

pytestmark = pytest.mark.timeout(900)

PROGRAMS = ("postgres", "nats", *SERVICES)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("whole") / "home"
    answer = rapport("up", "--mode", "test", home=folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Rapport is up after" in answer.stdout
    yield Home(folder)
    rapport("down", home=folder)


def programs(home: Home) -> dict[str, dict]:
    return json.loads(home.state.read_text())["programs"]


def pids(home: Home) -> dict[str, int]:
    return {note.stem: json.loads(note.read_text())["pid"] for note in home.pids.glob("*.json")}


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_everything_is_ready_and_a_second_up_says_so(home):
    assert {name: program["state"] for name, program in programs(home).items()} == dict.fromkeys(PROGRAMS, "ready")
    again = rapport("up", home=home.root)
    assert again.returncode == 0
    assert "already up" in again.stdout
    assert rapport("status", home=home.root).returncode == 0


def test_the_admin_key_opens_the_door_and_no_key_does_not(home):
    key = (home.root / "admin.key").read_text().strip()
    address = programs(home)["identity"]["address"] + "/v1/identity/workspaces"
    with urlopen(Request(address, headers={"Authorization": f"Bearer {key}"}), timeout=10) as answer:
        assert answer.status == 200


def test_the_record_is_told_again_by_one_command(home):
    key = (home.root / "admin.key").read_text().strip()
    body = json.dumps({"key": "again", "name": "Again"}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urlopen(Request(programs(home)["identity"]["address"] + "/v1/identity/workspaces", body, headers), timeout=10):
        pass
    rebuilt = rapport("rebuild", "columnar", "--workspace", "again", home=home.root)
    assert rebuilt.stdout.strip().endswith("again: rebuilt from 0 facts"), rebuilt.stdout + rebuilt.stderr
    shown = rapport("replay", "segment", "--workspace", "again", home=home.root).stdout
    assert "on_trait_changed (profile.trait.changed.v1): 0 told, 0 applied, 0 set aside, done" in shown
    told = rapport("replay", "profile", "on_event_recorded", "--workspace", "again", home=home.root).stdout
    assert "again: on_event_recorded (identity.event.recorded.v1): 0 told, 0 applied, 0 set aside, done" in told
    refused = rapport("replay", "segment", "on_event_recorded", "--workspace", "again", home=home.root)
    assert refused.returncode == 1
    assert "no consumer that can be rebuilt is named on_event_recorded" in refused.stderr
    assert "rows queued again" in rapport("rebuild", "broker", home=home.root).stdout


def test_the_persons_are_held_against_the_evidence_by_one_command(home):
    for words in ((), ("--repair", "--workspace", "again")):
        verified = rapport("verify", *words, home=home.root)
        assert verified.returncode == 0, verified.stderr
        assert "again: 0 identifiers of 0 persons, as the evidence says" in verified.stdout


def test_a_shell_can_read_the_addresses(home):
    script = f". {home.root}/addresses.sh; echo $IDENTITY $MESSAGING"
    answer = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [programs(home)[name]["address"] for name in ("identity", "messaging")]


def test_the_database_has_a_shell(home):
    answer = rapport(
        "shell", "-tAc", "select count(*) from pg_namespace where nspname = any('{identity,journey}')", home=home.root
    )
    assert answer.stdout.strip() == "2"


def test_logs_can_be_read_by_name(home):
    answer = rapport("logs", "identity", "-n", "3", home=home.root)
    assert 0 < len(answer.stdout.splitlines()) <= 3
    assert rapport("logs", "nobody", home=home.root).returncode == 1


@pytest.mark.parametrize("victim", ["profile", "nats", "postgres"])
def test_what_is_killed_comes_back(home, victim):
    before = programs(home)[victim]
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: programs(home)[victim]["restarts"] > before["restarts"])
    eventually(lambda: rapport("status", home=home.root).returncode == 0)
    assert programs(home)[victim]["pid"] != before["pid"]
    log = home.log("supervisor").read_text()
    assert re.search(rf"{victim} ended \(killed by SIGKILL\); starting it again in [\d.]+ s\.", log)
    assert f"{victim} is back." in log


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_has_the_same_addresses(home):
    addresses = {name: program["address"] for name, program in programs(home).items()}
    running = pids(home)
    assert set(running) == set(PROGRAMS)
    supervisor = json.loads(home.state.read_text())["supervisor"]
    os.kill(supervisor, signal.SIGKILL)
    for name, pid in running.items():
        assert process.wait_until_gone(pid, 40), name
    assert rapport("up", "--mode", "test", home=home.root).returncode == 0
    assert {name: program["address"] for name, program in programs(home).items()} == addresses


def test_down_leaves_nothing_running(home):
    running = pids(home)
    answer = rapport("down", home=home.root)
    assert answer.stdout == "Rapport is down.\n"
    assert [name for name, pid in running.items() if process.is_alive(pid)] == []
    assert list(home.pids.iterdir()) == []
    assert rapport("status", home=home.root).returncode == 1


def test_ctrl_c_in_the_foreground_leaves_nothing_running(home):
    told = home.root / "foreground.txt"
    with (
        told.open("w") as errors,
        subprocess.Popen(
            command("up", "--foreground"),
            env=surroundings(home.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as foreground,
    ):
        first = foreground.stdout.readline()
        running = pids(home)
        foreground.send_signal(signal.SIGINT)
        assert foreground.wait(100) == 0, told.read_text()
    assert "Rapport is up after" in first, told.read_text()
    assert set(running) == set(PROGRAMS)
    assert [name for name, pid in running.items() if process.is_alive(pid)] == []


def test_secrets_are_in_no_log(home):
    kept = json.loads((home.root / "secrets.json").read_text())
    secrets = [*kept.values(), (home.root / "admin.key").read_text().strip()]
    told = "".join(Path(log).read_text(errors="replace") for log in home.logs.glob("*.log*"))
    assert [name for name in kept if kept[name] in told] == []
    assert [one for one in secrets if one in told] == []
