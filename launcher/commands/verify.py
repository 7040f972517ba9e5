"""Hold the stored persons against all evidence, and mend what differs: verify [--repair] [--workspace KEY]."""

import argparse

from launcher.calls import call, workspaces
from launcher.home import Home, default_home

SECONDS = 3_600
"""A workspace of a hundred million identifiers takes most of an hour."""


def run(words: list[str]) -> int:
    """Print a line for each workspace; exit status 1 when anything differs and is not repaired."""
    parser = argparse.ArgumentParser(prog="./rapport verify", description=__doc__)
    parser.add_argument("--repair", action="store_true", help="read what differs anew from its evidence")
    parser.add_argument("--workspace", help="its key; without it all workspaces")
    chosen = parser.parse_args(words)
    home = default_home()
    keys = [chosen.workspace] if chosen.workspace else workspaces(home)
    different = sum([_verified(home, key, repair=chosen.repair) for key in keys])
    return 1 if different and not chosen.repair else 0


def _verified(home: Home, key: str, *, repair: bool) -> int:
    path = "/v1/identity/verification"
    found = call(home, "POST", "identity", path, workspace=key, body={"repair": repair}, seconds=SECONDS)
    line = f"{key}: {found['identifiers']} identifiers of {found['persons']} persons"
    if not found["different"]:
        print(f"{line}, as the evidence says")
    elif repair:
        print(f"{line}, {found['different']} differ; they are read anew in the background: look again in a while")
    else:
        print(f"{line}, {found['different']} differ from what the evidence says; --repair reads them anew")
    return int(found["different"])
