"""Make anew what can be made anew from the record: rebuild columnar|broker [--workspace KEY]."""

import argparse
import asyncio
import time

from launcher.addresses import Addresses, external
from launcher.calls import call, workspaces
from launcher.home import Home, default_home
from launcher.nats_permissions import SERVICES
from launcher.trouble import Trouble
from libs.common.db import Database
from libs.common.outbox import rebuild_broker

LOOK_SECONDS = 0.5


def run(words: list[str]) -> int:
    """Rebuild the columnar store from its owners, or say everything in the outbox logs once more."""
    parser = argparse.ArgumentParser(prog="./rapport rebuild", description=__doc__)
    parser.add_argument("what", choices=("columnar", "broker"))
    parser.add_argument("--workspace", help="its key; without it all workspaces (columnar only)")
    chosen = parser.parse_args(words)
    home = default_home()
    if chosen.what == "broker":
        asyncio.run(broker(home))
        return 0
    return columnar(home, [chosen.workspace] if chosen.workspace else workspaces(home))


def columnar(home: Home, keys: list[str]) -> int:
    """Wipe and replay the workspaces one after the other, with a line of progress for each."""
    for key in keys:
        call(home, "POST", "segment", "/v1/segment/columnar/rebuild", workspace=key)
        while True:
            state = call(home, "GET", "segment", "/v1/segment/columnar/rebuild", workspace=key)
            told = sum(replay["told"] for replay in state["replays"])
            if state["state"] == "finished":
                break
            reasons = "; ".join(replay["reason"] for replay in state["replays"] if replay["reason"])
            print(f"\r{key}: {state['state']}, {told} facts {reasons}", end="", flush=True)
            time.sleep(LOOK_SECONDS)
        aside = sum(replay["set_aside"] for replay in state["replays"])
        print(f"\r{key}: rebuilt from {told} facts{f', {aside} set aside as dead letters' if aside else ''}   ")
    if not keys:
        raise Trouble("There is no workspace.", "Nothing is to be rebuilt.")
    return 0


async def broker(home: Home) -> None:
    """Queue every row of the outbox logs again; receivers know the event ids."""
    external_database = external("RAPPORT_DATABASE_URL", ("postgresql", "postgres"))
    ports = home.known_ports()
    if external_database is None and "postgres" not in ports:
        raise Trouble("The database is not up.", "`./rapport up` starts it.")
    addresses = Addresses(ports, home.secrets(), external_database, None)
    for service in SERVICES:
        database = await Database.open(addresses.database(service, "worker"), service=service, pool_size=1)
        try:
            print(f"{service}: {await rebuild_broker(database)} rows queued again")
        finally:
            await database.close()
