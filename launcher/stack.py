"""The whole system as an object: for end-to-end tests, fault tests and the demo."""

import asyncio
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from launcher.home import Home
from launcher.nats import ADMINISTRATOR
from launcher.nats_permissions import SERVICES
from launcher.plan import Plan, make_plan
from launcher.supervisor import Supervisor


class Stack:
    """PostgreSQL, NATS and the five services below one folder, as processes of their own.

    `async with Stack(home=folder, mode="test") as stack:` starts all and stops all. Programs are named postgres, nats,
    identity, profile, segment, journey, messaging. A killed program is started again by the supervisor;
    `until_ready` waits for that.
    """

    def __init__(
        self,
        *,
        home: Path,
        mode: str = "test",
        services: Sequence[str] = SERVICES,
        postgres_settings: Mapping[str, str] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.home = Home(home)
        self.lines: list[str] = []
        """What the supervisor said: one line for each thing that ended or came back."""
        self._mode = mode
        self._services = services
        self._settings = postgres_settings
        self._tell = tell
        self._plan: Plan | None = None
        self._supervisor: Supervisor | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def plan(self) -> Plan:
        """The plan of the running system."""
        if self._plan is None:
            raise RuntimeError("the stack is not started")
        return self._plan

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of the running system."""
        if self._supervisor is None:
            raise RuntimeError("the stack is not started")
        return self._supervisor

    @property
    def admin_key(self) -> str:
        """The key that creates workspaces, sources and keys."""
        return self.plan.addresses.secrets.admin_key

    @property
    def admin_database_url(self) -> str:
        """The database as the superuser, whom row-level security does not bind."""
        return self.plan.addresses.admin_database

    @property
    def nats_url(self) -> str:
        """The bus as the administrator, who may all."""
        return self.plan.nats.url_of(ADMINISTRATOR) if self.plan.nats is not None else self.plan.addresses.nats

    def url(self, service: str) -> str:
        """The HTTP address of a service."""
        return self.plan.addresses.service(service)

    def database_url(self, service: str, role: str = "app") -> str:
        """The database with a service's role: owner, app or worker."""
        return self.plan.addresses.database(service, role)

    def pid(self, name: str) -> int | None:
        """The pid of a program, None while it does not run."""
        return self.supervisor.children[name].pid

    def log(self, name: str) -> str:
        """What a program has written so far."""
        return self.home.log(name).read_text(errors="replace")

    async def start(self) -> None:
        """Start the system and wait until everything serves."""
        self._plan = make_plan(self.home, mode=self._mode, services=self._services, postgres_settings=self._settings)
        self._supervisor = Supervisor(self.home, self._plan.stages, self._hear)
        await self._supervisor.start()

    async def stop(self) -> None:
        """Stop everything; the data stays."""
        if self._supervisor is not None:
            await self._supervisor.stop()

    async def kill(self, name: str, word: signal.Signals = signal.SIGKILL) -> None:
        """Kill a program (kill -9 unless another signal is named) and wait until its process has gone."""
        await self.supervisor.children[name].kill(word)

    async def kill_nats(self) -> None:
        """Kill -9 the bus."""
        await self.kill("nats")

    async def kill_postgres(self) -> None:
        """Let PostgreSQL stop at once, as in a crash: it recovers from its log."""
        await self.kill("postgres", signal.SIGQUIT)

    async def pause(self, name: str) -> None:
        """Freeze a program (SIGSTOP), as a machine that hangs."""
        self.supervisor.children[name].send(signal.SIGSTOP)

    async def resume(self, name: str) -> None:
        """Let a frozen program go on."""
        self.supervisor.children[name].send(signal.SIGCONT)

    async def stop_program(self, name: str) -> None:
        """Stop one program in order and leave it stopped."""
        await self.supervisor.children[name].stop()

    async def start_program(self, name: str) -> None:
        """Start a stopped program and wait until it serves."""
        await self.supervisor.children[name].start()

    async def restart(self, name: str) -> None:
        """Stop one program in order and start it again."""
        await self.stop_program(name)
        await self.start_program(name)

    async def until_ready(self, *names: str) -> None:
        """Wait until these programs (none named: all) serve."""
        chosen = names or tuple(self.supervisor.children)
        await asyncio.gather(*(self.supervisor.children[name].until_ready() for name in chosen))

    async def wipe_nats(self) -> None:
        """Lose the bus with all it holds, and start it empty."""
        await self.supervisor.children["nats"].stop()
        await asyncio.to_thread(shutil.rmtree, self.home.nats / "jetstream", ignore_errors=True)
        await self.supervisor.children["nats"].start()

    def _hear(self, line: str) -> None:
        self.lines.append(line)
        if self._tell is not None:
            self._tell(line)
