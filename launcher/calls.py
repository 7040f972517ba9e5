"""Calling the services' own APIs as the installation's administrator, without a library."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from launcher.home import Home
from launcher.ports import LOOPBACK
from launcher.trouble import Trouble

SECONDS = 60


def call(
    home: Home,
    method: str,
    service: str,
    path: str,
    *,
    workspace: str = "0",
    body: object = None,
    seconds: float = SECONDS,
) -> Any:
    """Call a service of the running system and return the decoded answer; Trouble with its own words when refused."""
    port = home.known_ports().get(service)
    if port is None:
        raise Trouble(f"{service} is not up.", "`./rapport up` starts it.")
    headers = {
        "authorization": f"Bearer {home.secrets().admin_key}",
        "x-workspace": workspace,
        "content-type": "application/json",
    }
    connection = HTTPConnection(LOOPBACK, port, timeout=seconds)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, HTTPException) as error:
        raise Trouble(f"{service} does not answer: {error}", "`./rapport status` says why.") from error
    finally:
        connection.close()
    if answer.status >= 400:
        raise Trouble(f"{service} refuses {path}: {_detail(text)}", "")
    return json.loads(text) if text else None


def workspaces(home: Home) -> list[str]:
    """Return the keys of all workspaces."""
    keys: list[str] = []
    cursor = ""
    while True:
        page = call(home, "GET", "identity", f"/v1/identity/workspaces?limit=1000{cursor}")
        keys += [str(item["key"]) for item in page["items"]]
        if not page["next_cursor"]:
            return keys
        cursor = f"&cursor={page['next_cursor']}"


def _detail(text: str) -> str:
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
