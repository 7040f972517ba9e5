"""Imports as an operator starts them, run to their end."""

from typing import Any

from services.identity.jobs import run_imports
from tests.identity.collection.conftest import Door


async def run_to_end(door: Door) -> None:
    while await run_imports.run(door.runtime):
        pass


async def start(door: Door, **spec: Any) -> Any:
    answer = await door.ask("POST", "/v1/imports", json={"source_id": door.server.source_id, **spec})
    assert answer.status_code == 202, answer.text
    return answer.json()
