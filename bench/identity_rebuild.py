"""The partition of 10 million identifiers rebuilt from their evidence, the whole assignment rule.

    python -m bench.identity_rebuild [--nodes 10000000] [--persons 20000] [--live 5000] [--runs 5]

The evidence is that of a generated world (docs/WORLD.md) of `--persons`, side by side as often as `--nodes` asks for:
its neighbourhoods never meet. The first copy is held against the pure rule. Then the same for a live graph of `--live`
persons in PostgreSQL: resolved event by event, read by COPY (a line of its own), rebuilt, compared.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from launcher.postgres import EmbeddedPostgres
from libs.common.db import Database
from libs.common.db.migrate import migrate
from libs.common.personal import Sealer
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.columns import Columns, Ints, columns_of
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.domain.rebuild import Rebuilt, rebuild
from services.identity.store.whole_graph import read_whole
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from services.identity.usecases.graph.tools import GraphTools
from services.identity.usecases.graph.verify_partition import verify_partition
from world.judge import Judge
from world.neighbourhoods import neighbourhoods
from world.shape import END

WORKSPACE = 1


def world_evidence(judge: Judge, persons: int) -> list[Evidence]:
    """Return what a generated world says."""
    return [said for one in neighbourhoods(persons, 1) for said in judge.evidence(one.arrivals)]


def side_by_side(columns: Columns, times: int) -> Columns:
    """Return the same evidence `times` over, each time about other nodes."""
    count, named = len(columns.namespace), len(columns.node)
    starts = [columns.start[:-1] + copy * named for copy in range(times)]
    return Columns(
        namespaces=columns.namespaces,
        bases=columns.bases,
        namespace=np.tile(columns.namespace, times),
        scope=np.tile(columns.scope, times),
        restless=np.tile(columns.restless, times),
        kind=np.tile(columns.kind, times),
        tier=np.tile(columns.tier, times),
        at=np.tile(columns.at, times),
        basis=np.tile(columns.basis, times),
        derived=np.tile(columns.derived, times),
        start=np.append(np.concatenate(starts), named * times),
        node=np.concatenate([columns.node + copy * count for copy in range(times)]),
    )


def renamed(name: Identifier, copy: int) -> Identifier:
    """Return the name a copy's identifier goes by."""
    return Identifier(name.namespace, name.scope, f"{name.value}#{copy}")


def rebuild_many(columns: Columns, names: Sequence[Identifier], policies: PolicySet, runs: int) -> Rebuilt:
    """Rebuild; print the median of the runs."""
    count = len(names)

    def named(nodes: Ints) -> list[Identifier]:
        # The copies need names of their own: the rule would take equal ones for one.
        return [renamed(names[one % count], one // count) for one in nodes.tolist()]

    walls, used, told = [], [], None
    for _ in range(max(runs, 1)):
        wall, processor = time.perf_counter(), time.process_time()
        told = rebuild(columns, named, policies, END)
        walls.append(time.perf_counter() - wall)
        used.append(time.process_time() - processor)
    assert told is not None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(columns.namespace):,} identifiers, {len(columns.kind):,} facts: {statistics.median(walls):.1f} s"
        f" ({min(walls):.1f} to {max(walls):.1f}), processor {statistics.median(used):.1f} s, peak {peak:.1f} GiB;"
        f" {told.by_rule:,} identifiers by the rule itself, {len(np.unique(told.person)):,} persons",
        flush=True,
    )
    return told


def judged(told: Rebuilt, names: Sequence[Identifier], evidence: Sequence[Evidence], policies: PolicySet) -> None:
    """Hold the first copy against the pure rule."""
    count = len(names)
    groups: dict[int, set[Identifier]] = {}
    for one, person in zip(names, told.person[:count].tolist(), strict=True):
        groups.setdefault(person, set()).add(one)
    same = frozenset(map(frozenset, groups.values())) == partition(evidence, policies, END).persons
    repeats = told.person.reshape(-1, count) - np.arange(0, len(told.person), count)[:, None]
    print(f"equal to the pure rule: {same}; all copies equal: {bool((repeats == repeats[0]).all())}", flush=True)


async def live(judge: Judge, persons: int) -> None:
    """Resolve a world in PostgreSQL, read it back, rebuild and compare."""
    evidence = world_evidence(judge, persons)
    with (
        tempfile.TemporaryDirectory(prefix="rapport-bench-") as directory,
        EmbeddedPostgres(Path(directory)) as cluster,
    ):
        passwords = {"owner": "o", "app": "a", "worker": "w"}
        await migrate("identity", cluster.url("postgres"), passwords=passwords)
        url = cluster.url("postgres", user="identity_worker", password="w")
        database = await Database.open(url, service="identity", pool_size=1)
        sealer, kinds = Sealer({1: b"k" * 32}), discover(namespaces, "namespace", NamespaceKind)
        tools = GraphTools(sealer=lambda _: sealer, now=_the_end, namespaces=kinds)
        try:
            begun = time.perf_counter()
            for start in range(0, len(evidence), 1_000):
                async with database.transaction(WORKSPACE) as tx:
                    facts = [Fact(WORKSPACE, one) for one in evidence[start : start + 1_000]]
                    await resolve_evidence(tx, facts, tools)
            resolved = time.perf_counter() - begun
            async with database.transaction(WORKSPACE) as tx:
                begun = time.perf_counter()
                graph = await read_whole(tx, WORKSPACE)
                read = time.perf_counter() - begun
                found = await verify_partition(tx, tools, WORKSPACE)
                whole = time.perf_counter() - begun - read
        finally:
            await database.close()
    rate, each = len(evidence) / resolved, 1e6 * read / len(graph.node_no)
    print(
        f"live, {persons:,} persons: {len(evidence):,} facts resolved in {resolved:.1f} s ({rate:,.0f}/s);"
        f" {len(graph.node_no):,} identifiers read in {read:.2f} s ({each:.1f} us each);"
        f" read, rebuilt and compared in {whole:.2f} s: {found.different} differ, {found.by_rule:,} by the rule itself"
    )


def _the_end(_: int) -> datetime:
    return END


def main() -> None:
    """Rebuild, then the live graph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000_000)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--live", type=int, default=5_000, help="persons of the live graph; 0 for none")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    judge = Judge()
    evidence = world_evidence(judge, options.persons)
    columns, names = columns_of(evidence)
    times = max(1, -(-options.nodes // len(names)))
    for copies in sorted({max(1, times // 100), max(1, times // 10)} - {times}):
        rebuild_many(side_by_side(columns, copies), names, judge.policies, options.runs)
    told = rebuild_many(side_by_side(columns, times), names, judge.policies, options.runs)
    judged(told, names, evidence, judge.policies)
    if options.live:
        asyncio.run(live(judge, options.live))


if __name__ == "__main__":
    main()
