"""Let consumers be told everything again by the owners: replay SERVICE [CONSUMER ...] [--workspace KEY]."""

import argparse
import time

from launcher.calls import call, workspaces
from launcher.home import Home, default_home
from launcher.nats_permissions import SERVICES

LOOK_SECONDS = 0.5


def run(words: list[str]) -> int:
    """Ask for replays and wait for them; without a consumer, list what was asked for."""
    parser = argparse.ArgumentParser(prog="./rapport replay", description=__doc__)
    parser.add_argument("service", choices=SERVICES, help="whose read model is rebuilt")
    parser.add_argument("consumers", nargs="*", help="such as on_event_recorded; none: show the replays there were")
    parser.add_argument("--workspace", help="its key; without it all workspaces")
    chosen = parser.parse_args(words)
    home = default_home()
    for key in [chosen.workspace] if chosen.workspace else workspaces(home):
        replay(home, chosen.service, chosen.consumers, key)
    return 0


def replay(home: Home, service: str, consumers: list[str], workspace: str) -> None:
    """Ask for one workspace's replays and show them until they are done."""
    path = f"/v1/{service}/replays"
    asked = consumers and call(home, "POST", service, path, workspace=workspace, body={"consumers": consumers})
    while True:
        found = _all(home, service, workspace)
        shown = [one for one in found if not asked or one["replay_id"] in asked]
        if not asked or all(one["finished_at"] for one in shown):
            break
        time.sleep(LOOK_SECONDS)
    for one in shown:
        word = "done" if one["finished_at"] else one["reason"] or "goes on"
        counts = f"{one['told']} told, {one['applied']} applied, {one['set_aside']} set aside"
        print(f"{workspace}: {one['consumer']} ({one['subject']}): {counts}, {word}")


def _all(home: Home, service: str, workspace: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor = ""
    while True:
        path = f"/v1/{service}/replays?limit=1000{cursor}"
        page = call(home, "GET", service, path, workspace=workspace)
        found += page["items"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"
