"""What an import was said to do, and what it then did, both in the same figures."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from libs.common.db import statement
from services.identity.domain.policy import PolicySet
from services.identity.jobs import recompute_regions, resolve_events, run_import_previews
from services.identity.store.leases import LeasedQueue
from tests.identity.collection.conftest import Door
from tests.identity.collection.importing import run_to_end, start

NODES = statement("select node_no, person_no, namespace from node where workspace_id = :one")
LINKS = statement("select distinct low_no, high_no, state, reason from link where workspace_id = :one")
STANDING = statement(
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type = 'client backend' and (backend_xid is not null or state = 'idle in transaction')"
)
EVERYTHING = (
    "node",
    "link",
    "person",
    "evidence",
    "held_link",
    "stray_identifier",
    "source_rate",
    "event_log",
    "twin",
)


@dataclass(frozen=True)
class Snapshot:
    """Who owns what, and what became of links, by number."""

    owner: Mapping[int, int]
    single: frozenset[int]
    links: Mapping[tuple[int, int], str]

    def persons(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = {}
        for node, person in self.owner.items():
            found.setdefault(person, set()).add(node)
        return found


async def snapshot(door: Door, policies: PolicySet) -> Snapshot:
    home = door.workspace.workspace_id
    async with door.runtime.worker_database.transaction(home) as tx:
        nodes = await tx.fetch(NODES, one=home)
        links = await tx.fetch(LINKS, one=home)
    return Snapshot(
        owner={row["node_no"]: row["person_no"] for row in nodes},
        single=frozenset(row["node_no"] for row in nodes if policies.of(row["namespace"]).is_singleton),
        links={(row["low_no"], row["high_no"]): _told(row["state"], row["reason"]) for row in links},
    )


def _told(state: str | None, reason: str) -> str:
    return "absent" if state is None else f"{state}({reason})" if reason else state


def what_happened(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Return in the report's figures what became of persons and links."""
    was, now = before.persons(), after.persons()
    joined = {person: {before.owner[one] for one in nodes if one in before.owner} for person, nodes in now.items()}
    anchored = {before.owner[one] for one in before.single}
    merged = [persons for persons in joined.values() if len(persons) > 1]
    changes = Counter(
        (before.links.get(pair, "absent"), after.links.get(pair, "absent"))
        for pair in before.links.keys() | after.links.keys()
    )
    return {
        "more": len(now) - len(was),
        "new": sum(not persons for persons in joined.values()),
        "merging": sum(map(len, merged)),
        "merged_into": len(merged),
        "ended": sum(len(persons) - 1 for persons in merged),
        "anchors_lost": sum(max(0, len(persons & anchored) - 1) for persons in merged),
        "split": sum(len({after.owner[one] for one in nodes}) > 1 for nodes in was.values()),
        "links": {change: count for change, count in changes.items() if change[0] != change[1]},
    }


def what_was_said(report: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a report that `what_happened` has too."""
    told = report["persons"]
    names = ("new", "merging", "merged_into", "ended", "anchors_lost", "split")
    return {
        "more": told["after"] - told["before"],
        **{name: told[name] for name in names},
        "links": {(one["was"], one["becomes"]): one["count"] for one in report["links"]},
    }


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


async def foreseen(door: Door, path: str, **spec: Any) -> dict[str, Any]:
    """Return the preview of a file once it is made."""
    asked = {"source_id": door.server.source_id, "path": path, **spec}
    answer = await door.ask("POST", "/v1/imports/previews", json=asked)
    assert answer.status_code == 202, answer.text
    while await run_import_previews.run(door.runtime):
        pass
    found: dict[str, Any] = (await door.ask("GET", answer.headers["location"])).json()
    return found


async def imported(door: Door, path: str, **spec: Any) -> None:
    """Import a file and have all of it resolved."""
    await start(door, path=path, **spec)
    await run_to_end(door)
    await resolved(door)


async def die(*_: Any) -> None:
    """Work that ends with its worker."""
    raise asyncio.CancelledError


async def nothing(*_: Any, **__: Any) -> None:
    """A process that is killed lets nothing go."""


async def killed(door: Door, patched: pytest.MonkeyPatch, job: ModuleType, queue: LeasedQueue) -> None:
    """Have a job's worker killed in the midst of work that is patched to die, and the lease end."""
    patched.setattr(queue, "let_go", nothing)
    with pytest.raises(asyncio.CancelledError):
        await job.run(door.runtime)
    async with door.runtime.worker_database.transaction([]) as tx:
        for name in ("import_preview_queue", "shadow_queue"):
            await tx.execute(statement(f"update {name} set taken_until = clock_timestamp() where taken_until > now()"))


async def standing(door: Door) -> int:
    """Count the transactions that stay open; those of others who are at work for a moment are waited for."""
    found = 0
    for _ in range(50):
        async with door.runtime.worker_database.transaction([]) as tx:
            found = int(await tx.fetch_value(STANDING))
        if not found:
            break
        await asyncio.sleep(0.05)
    return found


async def resolved(door: Door) -> None:
    while await resolve_events.run(door.runtime):
        pass
    while await recompute_regions.run(door.runtime):
        pass


async def stored_rows(door: Door) -> dict[str, list[str]]:
    """Return all that is stored of the graph and the record, as text."""
    return {
        table: sorted(row["told"] for row in await door.rows(f"select t::text as told from {table} t"))
        for table in EVERYTHING
    }


def named(**ids: str) -> list[dict[str, str]]:
    """External ids; `crm_id="7@shop"` has its scope behind the @."""
    told = [(kind, *value.partition("@")[::2]) for kind, value in ids.items()]
    return [{"type": kind, "id": value, "collection": scope} for kind, value, scope in told]


def customers(number: int, **more: str) -> dict[str, Any]:
    # Every branch numbers its customers for itself, so nothing contradicts that all are one.
    ids = named(crm_id=f"customer-{number}@branch-{number}", **more)
    return {"type": "identify", "messageId": f"c{number}-{len(ids)}-{'-'.join(more)}", "context": {"externalIds": ids}}
