"""The data directory: everything the running system keeps, in one folder that can be moved and removed."""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import cast

from launcher.files import write_secret, write_text
from launcher.nats_permissions import SERVICES
from launcher.ports import free_port, is_free
from launcher.privileges import ROOT
from launcher.trouble import Trouble
from libs.common.access.keys import new_key

PROJECT = Path(__file__).resolve().parent.parent
DATABASE_ROLES = ("owner", "app", "worker")
SERVERS = ("postgres", "nats", "nats_monitor")


@dataclass(frozen=True)
class Secrets:
    """What nobody else may read: made at the first start, kept in files of mode 0600."""

    master_key: str
    service_secret: str
    postgres: str
    roles: dict[str, str]
    nats: dict[str, str]
    admin_key: str


class Home:
    """The folders and small files below the data directory (RAPPORT_HOME, else .rapport in the project)."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.logs = self.root / "logs"
        self.pids = self.root / "pids"
        self.lock = self.root / "supervisor.lock"
        self.state = self.root / "state.json"
        self.postgres = self.root / "postgres"
        self.nats = self.root / "nats"

    def make(self) -> None:
        """Make the folders; raises Trouble where we may not write."""
        # As root, PostgreSQL runs as another user, who must be able to pass through; the files are closed one by one.
        mode = 0o711 if os.geteuid() == ROOT else 0o700
        try:
            self.root.mkdir(mode=mode, parents=True, exist_ok=True)
            for folder in (self.logs, self.pids):
                folder.mkdir(mode=0o700, exist_ok=True)
            (self.root / "writable").touch()
            (self.root / "writable").unlink()
        except OSError as error:
            raise Trouble(
                f"The data directory {self.root} cannot be used: {error.strerror}.",
                "Give yourself the right to write there, or set RAPPORT_HOME to another folder.",
            ) from error

    def log(self, name: str) -> Path:
        """Give the file that a program's output goes to."""
        return self.logs / f"{name}.log"

    def secrets(self) -> Secrets:
        """Read the secrets, making those that are missing."""
        path = self.root / "secrets.json"
        kept = read_json(path)
        made = {**_new_secrets(), **kept}
        if made != kept:
            write_secret(path, json.dumps(made, indent=2))
        return Secrets(
            master_key=made["master_key"],
            service_secret=made["service_secret"],
            postgres=made["postgres"],
            roles={name.removeprefix("role."): value for name, value in made.items() if name.startswith("role.")},
            nats={name.removeprefix("nats."): value for name, value in made.items() if name.startswith("nats.")},
            admin_key=self._admin_key(),
        )

    def ports(self, names: Iterable[str]) -> dict[str, int]:
        """Give each name its port: the one set by <NAME>_PORT, else the one it had if that is free, else a free one."""
        path = self.root / "ports.json"
        kept = {name: int(port) for name, port in read_json(path).items()}
        chosen: dict[str, int] = {}
        for name in names:
            spared = {*kept.values(), *chosen.values()}
            chosen[name] = _wanted_port(name) or _kept_port(kept, name) or free_port(spared=spared)
        write_text(path, json.dumps({**kept, **chosen}, indent=2) + "\n")
        return chosen

    def known_ports(self) -> dict[str, int]:
        """Give the ports as they were last chosen."""
        return {name: int(port) for name, port in read_json(self.root / "ports.json").items()}

    def _admin_key(self) -> str:
        path = self.root / "admin.key"
        if not path.exists():
            write_secret(path, new_key("secret") + "\n")
        return path.read_text().strip()


def default_home() -> Home:
    """Give the data directory the environment names, else the one in the project."""
    return Home(Path(os.environ.get("RAPPORT_HOME") or PROJECT / ".rapport"))


def read_json(path: Path) -> dict[str, str]:
    """Read a small JSON object; an absent file is an empty one."""
    try:
        return cast("dict[str, str]", json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise Trouble(f"{path} may not be read.", "It belongs to another user: start as that user.") from error
    except ValueError as error:
        raise Trouble(
            f"{path} is damaged: {error}.", "Restore it from your backup; secrets cannot be made again."
        ) from error


def _new_secrets() -> dict[str, str]:
    made = {
        "master_key": base64.b64encode(token_bytes(32)).decode(),
        "service_secret": base64.b64encode(token_bytes(32)).decode(),
        "postgres": token_hex(24),
        "nats.administrator": token_hex(24),
    }
    for service in SERVICES:
        made[f"nats.{service}"] = token_hex(24)
        made.update({f"role.{service}_{role}": token_hex(24) for role in DATABASE_ROLES})
    return made


def _wanted_port(name: str) -> int | None:
    variable = f"{name.upper()}_PORT"
    text = os.environ.get(variable)
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Trouble(f"{variable}={text} is not a port.", "Use a number from 1 to 65535, or unset it.")
    if not is_free(int(text)):
        raise Trouble(f"Port {text} ({variable}) is in use.", "Stop the program that listens there, or unset it.")
    return int(text)


def _kept_port(kept: dict[str, int], name: str) -> int | None:
    port = kept.get(name)
    return port if port is not None and is_free(port) else None
