import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from launcher import pid_files, process
from launcher.home import PROJECT, Home
from launcher.program import Step
from launcher.supervisor import Supervisor, running_supervisor
from launcher.trouble import Trouble
from tests.launcher.programs import a_program


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def test_a_killed_program_is_started_again_and_the_operator_is_told_in_one_line(home, tmp_path):
    lines: list[str] = []
    supervisor = Supervisor(home, [[a_program("journey", tmp_path)]], lines.append)
    await supervisor.start()
    try:
        child = supervisor.children["journey"]
        first = child.pid
        await child.kill(signal.SIGKILL)
        await asyncio.wait_for(child.until_ready(), 60)
        assert child.pid not in (None, first)
        assert lines == ["journey ended (killed by SIGKILL); starting it again in 0.5 s.", "journey is back."]
        assert json.loads(home.state.read_text())["programs"]["journey"]["restarts"] == 1
    finally:
        await supervisor.stop()


async def test_stages_start_in_order_and_stop_in_reverse(home, tmp_path):
    order: list[str] = []
    stages = [
        [a_program("nats", tmp_path)],
        [Step("migrations", lambda: note("migrated"))],
        [a_program("profile", tmp_path)],
    ]

    async def note(word: str) -> None:
        assert supervisor.children["nats"].state == "ready"
        assert supervisor.children["profile"].state == "stopped"
        order.append(word)

    supervisor = Supervisor(home, stages, order.append)
    await supervisor.start()
    nats, profile = supervisor.children["nats"], supervisor.children["profile"]
    profile.stop = recorded(profile.stop, order, "profile")
    nats.stop = recorded(nats.stop, order, "nats")
    await supervisor.stop()
    assert order == ["migrated", "profile", "nats"]
    assert list(home.pids.iterdir()) == []


def recorded(stop, order, name):
    async def wrapped() -> None:
        await stop()
        order.append(name)

    return wrapped


async def test_a_program_that_cannot_start_is_one_clear_line_and_nothing_stays(home, tmp_path):
    broken = a_program("profile", tmp_path, body="import sys; sys.exit('profile: cannot start: the database is away')")
    supervisor = Supervisor(home, [[a_program("nats", tmp_path)], [broken, a_program("segment", tmp_path)]], print)
    with pytest.raises(Trouble, match="profile did not start: profile: cannot start: the database is away"):
        await supervisor.start()
    assert all(child.state == "stopped" and child.pid is None for child in supervisor.children.values())
    assert running_supervisor(home) is None


async def test_a_program_that_never_serves_is_given_up_in_time(home, tmp_path):
    silent = a_program("segment", tmp_path, body="import time; time.sleep(60)", ready_seconds=0.3)
    with pytest.raises(Trouble, match="segment was not ready after 0 s"):
        await Supervisor(home, [[silent]], print).start()


async def test_a_program_that_ignores_the_stop_is_killed(home, tmp_path):
    deaf = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(60)
"""
    lines: list[str] = []
    supervisor = Supervisor(home, [[a_program("journey", tmp_path, body=deaf, stop_seconds=0.3)]], lines.append)
    await supervisor.start()
    pid = supervisor.children["journey"].pid
    await supervisor.stop()
    assert pid is not None and not process.is_alive(pid)
    assert lines == ["journey does not stop on SIGTERM."]


async def test_one_data_directory_has_one_supervisor(home, tmp_path):
    supervisor = Supervisor(home, [[a_program("nats", tmp_path)]], print)
    await supervisor.start()
    try:
        assert running_supervisor(home) == os.getpid()
        with pytest.raises(Trouble, match="already runs"):
            await Supervisor(home, [], print).start()
    finally:
        await supervisor.stop()
    assert running_supervisor(home) is None


async def test_what_a_killed_launcher_left_is_stopped_at_the_next_start(home, tmp_path):
    home.make()
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pid_files.remember(home.pids, "journey", left.pid)
    lines: list[str] = []
    reaper = asyncio.create_task(asyncio.to_thread(left.wait))
    supervisor = Supervisor(home, [], lines.append)
    await supervisor.start()
    await supervisor.stop()
    await asyncio.wait_for(reaper, 30)
    assert left.returncode == -signal.SIGTERM
    assert lines == ["journey was left running by an earlier start; it has been stopped."]


def test_a_stranger_who_got_the_pid_is_left_alone(home):
    home.make()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        note = {"pid": stranger.pid, "started": "long ago"}
        (home.pids / "journey.json").write_text(json.dumps(note))
        assert pid_files.end_orphans(home.pids) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a kill -9 is cleaned up by the next start")
def test_no_process_outlives_the_launcher_however_it_ends(home, tmp_path, word):
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from launcher.home import Home
        from launcher.supervision import supervise
        from tests.launcher.programs import a_program
        folder = Path({str(tmp_path)!r})
        programs = [a_program("nats", folder), a_program("journey", folder)]
        asyncio.run(supervise(Home(Path({str(home.root)!r})), [programs], lambda seconds: print("up", flush=True)))
    """)
    launcher = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == "up\n"
    pids = [json.loads(note.read_text())["pid"] for note in home.pids.glob("*.json")]
    assert len(pids) == 2
    launcher.send_signal(word)
    launcher.wait(20)
    launcher.stdout.close()
    assert all(process.wait_until_gone(pid, 5) for pid in pids)
    assert launcher.returncode == (-word if word == signal.SIGKILL else 0)


def test_ctrl_c_during_the_start_leaves_nothing(home, tmp_path):
    program = textwrap.dedent(f"""
        import asyncio
        from pathlib import Path
        from launcher.home import Home
        from launcher.supervision import supervise
        from tests.launcher.programs import a_program
        folder = Path({str(tmp_path)!r})
        never = a_program("journey", folder, body="import time; print('here'); time.sleep(60)")
        asyncio.run(supervise(Home(Path({str(home.root)!r})), [[a_program("nats", folder)], [never]], print))
    """)
    launcher = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT)
    while not (home.pids / "journey.json").exists():
        assert launcher.poll() is None
    pids = [json.loads(note.read_text())["pid"] for note in home.pids.glob("*.json")]
    launcher.send_signal(signal.SIGINT)
    launcher.wait(20)
    assert len(pids) == 2
    assert all(process.wait_until_gone(pid, 5) for pid in pids)
