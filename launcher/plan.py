"""The plan of the whole system: which programs there are, in which order, and how each is known to serve."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from launcher import process
from launcher.addresses import DATABASE, Addresses, external
from launcher.environment import inherited, migration_environment, service_environment
from launcher.files import last_line, write_text
from launcher.home import PROJECT, SERVERS, Home
from launcher.nats import EmbeddedNats
from launcher.nats_permissions import SERVICES
from launcher.ports import LOOPBACK
from launcher.postgres import SUPERUSER, EmbeddedPostgres, binaries
from launcher.probe import get
from launcher.program import Program, Step
from launcher.supervisor import Stage
from launcher.trouble import Trouble

POSTGRES_STOP_SECONDS = 60.0
# A service has 20 s to finish what it holds; then it is stuck.
SERVICE_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Plan:
    """The stages of one system and the addresses in it."""

    stages: list[Stage]
    addresses: Addresses
    nats: EmbeddedNats | None


def make_plan(
    home: Home,
    *,
    mode: str,
    services: Sequence[str] = SERVICES,
    postgres_settings: Mapping[str, str] | None = None,
) -> Plan:
    """Lay out the embedded servers that are needed, the migrations and the services (all five unless named)."""
    home.make()
    addresses = Addresses(
        ports=home.ports([*SERVERS, *SERVICES]),
        secrets=home.secrets(),
        external_database=external("RAPPORT_DATABASE_URL", ("postgresql", "postgres")),
        external_nats=external("RAPPORT_NATS_URL", ("nats", "tls")),
    )
    _write_addresses(home, addresses)
    servers: list[Program | Step] = []
    settle: list[Program | Step] = []
    if addresses.external_database is None:
        servers.append(_postgres(home, addresses, postgres_settings or {}))
        settle.append(Step("database", lambda: _create_database(home, addresses)))
    nats = None
    if addresses.external_nats is None:
        nats = EmbeddedNats(
            home.nats,
            port=addresses.ports["nats"],
            monitor_port=addresses.ports["nats_monitor"],
            passwords=addresses.secrets.nats,
            log=home.log("nats"),
        )
        servers.append(_nats(home, nats))
    migrations: list[Program | Step] = [Step("migrations", lambda: _migrate(home, addresses, mode))]
    houses: list[Program | Step] = [_service(name, home, addresses, mode) for name in services]
    return Plan([stage for stage in (servers, settle, migrations, houses) if stage], addresses, nats)


def _write_addresses(home: Home, addresses: Addresses) -> None:
    # For a shell: `. .rapport/addresses.sh` and then curl $IDENTITY/...
    lines = [f"{service.upper()}={addresses.service(service)}\n" for service in SERVICES]
    write_text(home.root / "addresses.sh", "".join(lines))


def _postgres(home: Home, addresses: Addresses, settings: Mapping[str, str]) -> Program:
    server = EmbeddedPostgres(
        home.postgres,
        port=addresses.ports["postgres"],
        password=addresses.secrets.postgres,
        settings=settings,
        log=home.log("postgres"),
    )

    def prepare() -> None:
        server.initialise()
        server.stop_orphan()

    async def is_ready(pid: int) -> bool:
        return server.is_ready(pid)

    return Program(
        name="postgres",
        command=server.command,
        is_ready=is_ready,
        environment=server.environment(),
        folder=home.postgres,
        address=f"{LOOPBACK}:{server.port}",
        prepare=prepare,
        stop_signal=signal.SIGINT,
        stop_seconds=POSTGRES_STOP_SECONDS,
        last_signal=signal.SIGQUIT,
        ready_seconds=None,
    )


def _nats(home: Home, server: EmbeddedNats) -> Program:
    async def is_ready(_pid: int) -> bool:
        return (await get(server.monitor_port, "/healthz"))[0] == 200

    return Program(
        name="nats",
        command=server.command,
        is_ready=is_ready,
        environment=inherited(),
        folder=home.nats,
        address=server.url,
        prepare=server.prepare,
        ready_seconds=None,
    )


def _service(name: str, home: Home, addresses: Addresses, mode: str) -> Program:
    port = addresses.ports[name]

    async def is_ready(_pid: int) -> bool:
        return (await get(port, "/ready"))[0] == 200

    return Program(
        name=name,
        command=lambda: process.dying_with_us([sys.executable, "-P", "-m", f"services.{name}.main"], signal.SIGTERM),
        is_ready=is_ready,
        environment=service_environment(name, home, addresses, mode),
        folder=PROJECT,
        address=addresses.service(name),
        stop_seconds=SERVICE_STOP_SECONDS,
    )


async def _create_database(home: Home, addresses: Addresses) -> None:
    where = ["-h", LOOPBACK, "-p", str(addresses.ports["postgres"]), "-U", SUPERUSER]
    environment = {**inherited(), "PGPASSWORD": addresses.secrets.postgres}
    ask = [str(binaries() / "psql"), *where, "-tAc", f"select 1 from pg_database where datname = '{DATABASE}'"]
    there = await asyncio.to_thread(subprocess.run, ask, env=environment, capture_output=True, text=True, check=False)
    if there.stdout.strip() != "1":
        await _step([str(binaries() / "createdb"), *where, DATABASE], home, "database", environment)


async def _migrate(home: Home, addresses: Addresses, mode: str) -> None:
    command = [sys.executable, "-P", "-m", "libs.common.db.migrate", "all"]
    await _step(command, home, "migrations", migration_environment(home, addresses, mode))


async def _step(command: list[str], home: Home, name: str, environment: Mapping[str, str]) -> None:
    with home.log(name).open("ab") as log:
        done = await asyncio.create_subprocess_exec(
            *process.dying_with_us(command, signal.SIGTERM),
            env=dict(environment),
            cwd=PROJECT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        code = await done.wait()
    if code != 0:
        raise Trouble(f"The step `{name}` failed: {last_line(home.log(name))}", f"See {home.log(name)}.")
