"""Segment questions over made-up persons and events, through the service's own compiler and store.

    python bench/segment_queries.py --persons 100000 --events 1000000
    python bench/segment_queries.py --persons 10000000 --events 100000000 --data DIR   # 10 GB of disk, filled once

Prints medians and spread of the runs; with duckdb and polars importable (the extra `bench`), the same questions in the
same run, over the same columns: from what a user would have on disk, and in memory, amounts exact and as floats. Every
answer has to be the same person count.
"""

import argparse
import asyncio
import base64
import importlib
import importlib.util
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from services.segment.conditions.catalogue import grammar
from services.segment.domain.answer import answer_one
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import parse_definition
from services.segment.domain.moment import Moment
from services.segment.store.asking import ask
from services.segment.store.asking_few import ask_few
from services.segment.store.columnar import CACHE_BYTES, Columnar
from services.segment.store.scope import Scope

NOW = datetime(2024, 6, 1, tzinfo=UTC)
NAMES = 20
DAYS = 90
CHUNK = 5_000_000
BULK = (
    "settings max_execution_time = 0, max_memory_usage = 12000000000, min_insert_block_size_rows = 1000000,"
    " min_insert_block_size_bytes = 512000000"
)

WINDOWED = {"did": "event 3", "count": {"op": "gte", "n": 2}, "window": {"last": "7 days"}}
FOUR = {
    "all": [
        {"did": "event 1", "count": {"op": "gte", "n": 2}, "window": {"last": "30 days"}},
        {
            "aggregate": "sum",
            "event": "event 2",
            "prop": "amount",
            "op": "gt",
            "value": 100,
            "window": {"last": "60 days"},
        },
        {"none": [{"did": "event 4", "window": {"last": "14 days"}}]},
        {
            "any": [
                {"trait": "city", "op": "in", "value": ["city 1", "city 2", "city 3"]},
                {"trait": "age", "op": "gte", "value": 60},
            ]
        },
    ]
}
THREE_HUNDRED = [
    {
        "did": f"event {number % NAMES}",
        "count": {"op": "gte", "n": 1 + number % 4},
        "window": {"last": f"{1 + number % 45} days"},
    }
    for number in range(300)
]


async def fill(store: Columnar, persons: int, events: int) -> None:
    """Make events (person by hash, names evenly, 90 days) and two traits a person."""
    begins = int((NOW - timedelta(days=DAYS)).timestamp())
    # merged once, when all is there: merges of what comes in between would be five times the work
    await store.command("system stop merges")
    for start in range(0, events, CHUNK):
        rows = min(CHUNK, events - start)
        await store.command(
            f"""
            insert into event (workspace_id, name, person_no, event_time, subject_no, person_no_at_ingest, received_at,
                               event_id, origin, source_id, property_facets, property_text, property_decimal,
                               property_number)
            with toInt32(cityHash64(number, 1) % {persons}) + 1 as person,
                 toDateTime64({begins} + cityHash64(number, 2) % {DAYS * 86_400}, 6, 'UTC') as at,
                 cityHash64(number, 3) % 10000 as cents
            select 1, concat('event ', toString(cityHash64(number, 4) % {NAMES})), person, at, person, person, at,
                   generateUUIDv7(), 'collected', 1, map('amount', 98 + 2), map('amount', toString(cents / 100)),
                   map('amount', toDecimal128(cents, 10) / 100), map('amount', cents / 100)
            from numbers({start}, {rows}) {BULK}
            """
        )
    for name, value in (
        ("city", "concat('city ', toString(cityHash64(number, 5) % 50))"),
        ("age", "toString(cityHash64(number, 6) % 90)"),
    ):
        facets, numeric = (1, "0") if name == "city" else (98, "toFloat64OrZero(v)")
        await store.command(
            f"""
            insert into trait (workspace_id, name, person_no, version, since, facets, text, folded, decimal, number)
            with {value} as v
            select 1, '{name}', toInt32(number) + 1, 1, toDateTime64({begins}, 6, 'UTC'), {facets}, v, v,
                   toDecimal128({numeric}, 10), {numeric}
            from numbers({persons}) {BULK}
            """
        )
    await store.command("system start merges")
    # as after a while: what the engine would merge behind our back meanwhile is not what is measured
    for table in ("event", "trait"):
        await store.command(f"optimize table {table} final settings max_execution_time = 0")


async def asked(store: Columnar, bodies: list[Any], universe: BitMap, touched: list[int] | None) -> list[int]:
    """Ask all definitions at once; return their counts."""
    inquiry = Inquiry(Moment(NOW))
    formulas = [parse_definition(body, grammar()).formula(inquiry) for body in bodies]
    scope = Scope(1, None) if touched is None else Scope(1, None, touched, touched)
    atoms = await (ask(store, inquiry, scope, formulas) if touched is None else ask_few(store, inquiry, scope))
    among = universe if touched is None else BitMap(touched)
    return [len(answer_one(formula, atoms=atoms, among=among, members={})) for formula in formulas]


async def measure(name: str, runs: int, question: Callable[[], Awaitable[Any] | Any]) -> None:
    """Run a question several times and print median, spread, CPU seconds and answer."""
    times, answer = [], None
    before = os.times()
    for _ in range(runs):
        start = time.perf_counter()
        answer = question()
        if isinstance(answer, Awaitable):
            answer = await answer
        times.append(time.perf_counter() - start)
    after = os.times()
    cpu = (after.user + after.system - before.user - before.system) / runs
    shown = answer if not isinstance(answer, list) or len(answer) < 5 else f"{len(answer)} counts, sum {sum(answer)}"
    print(
        f"{name:52} median {statistics.median(times):8.3f} s  ({min(times):.3f} .. {max(times):.3f})"
        f"  cpu {cpu:6.2f} s  -> {shown}",
        flush=True,
    )


async def compare(store: Columnar, runs: int, directory: Path) -> None:
    """Ask DuckDB and Polars, where they are installed, the two whole-population questions over the same rows."""
    files = {name: directory / f"{name}.parquet" for name in ("event", "trait")}
    # in the order that suits the questions; amounts as a shop would keep them, and as floats
    amounts = "toDecimal64(property_decimal['amount'], 2) as amount, property_number['amount'] as amount_float"
    columns = {
        "event": f"toString(name) as name, person_no, event_time, {amounts}",
        "trait": "toString(name) as name, person_no, text, number",
    }
    for name, file in files.items():
        if not file.exists():
            await store.command(
                f"insert into function file('{file}', Parquet) select {columns[name]} from {name}"
                f" order by name, person_no {BULK}, max_bytes_before_external_sort = 2000000000"
            )
    if importlib.util.find_spec("duckdb"):
        await compare_duckdb(files, runs, directory)
    if importlib.util.find_spec("polars"):
        await compare_polars(files, runs)


async def compare_duckdb(files: dict[str, Path], runs: int, directory: Path) -> None:
    """Ask DuckDB: a database file, opened anew; then the same tables in memory."""
    duckdb = importlib.import_module("duckdb")
    path = directory / "peer.duckdb"
    kept = path.exists()
    with duckdb.connect(path) as peer:
        for name in files if not kept else ():
            peer.execute(f"create table {name} as select * from read_parquet('{files[name]}')")
    with duckdb.connect(path, read_only=True) as peer:
        await ask_duckdb(peer, "duckdb, from a file", runs)
    with duckdb.connect() as peer:
        peer.execute("set memory_limit = '6GB'")
        for name, file in files.items():
            peer.execute(f"create table {name} as select * from read_parquet('{file}')")
        await ask_duckdb(peer, "duckdb, in memory", runs)


async def ask_duckdb(peer: Any, called: str, runs: int) -> None:
    """Put both questions."""

    def fetch(sql: str) -> int:
        return int(peer.execute(sql).fetchone()[0])

    week, month, two = (f"event_time >= timestamptz '{NOW - timedelta(days=days)}'" for days in (7, 30, 60))
    fortnight = f"event_time >= timestamptz '{NOW - timedelta(days=14)}'"
    twice = "group by all having count(*) >= 2"
    windowed = f"select count(*) from (select person_no from event where name = 'event 3' and {week} {twice})"
    await measure(f"{called}: windowed count", runs, partial(fetch, windowed))
    for amount in ("amount", "amount_float"):
        spent = f"select person_no from event where name = 'event 2' and {two} group by all having sum({amount}) > 100"
        four = f"""
            select count(*) from (select person_no from event where name = 'event 1' and {month} {twice})
            where person_no in ({spent})
              and person_no not in (select person_no from event where name = 'event 4' and {fortnight})
              and person_no in (select person_no from trait
                                where (name = 'city' and text in ('city 1', 'city 2', 'city 3'))
                                   or (name = 'age' and number >= 60))"""
        await measure(f"{called}: four, {amount}", runs, partial(fetch, four))


async def compare_polars(files: dict[str, Path], runs: int) -> None:
    """Ask Polars: Parquet files; then the columns in memory, names as categories."""
    pl = importlib.import_module("polars")
    await ask_polars(pl, pl.scan_parquet(files["event"]), pl.scan_parquet(files["trait"]), "polars, from a file", runs)
    event, trait = (
        pl.scan_parquet(files[name]).with_columns(pl.col("name").cast(pl.Categorical)).collect(engine="streaming")
        for name in ("event", "trait")
    )
    await ask_polars(pl, event.lazy(), trait.lazy(), "polars, in memory", runs)


async def ask_polars(pl: Any, event: Any, trait: Any, called: str, runs: int) -> None:
    """Put both questions."""

    def did(name: str, days: int) -> Any:
        return event.filter((pl.col("name") == name) & (pl.col("event_time") >= NOW - timedelta(days=days)))

    def twice(rows: Any) -> Any:
        return rows.group_by("person_no").len().filter(pl.col("len") >= 2).select("person_no")

    def count(rows: Any) -> int:
        return int(rows.select(pl.len()).collect(engine="streaming").item())

    in_cities = (pl.col("name") == "city") & pl.col("text").is_in(["city 1", "city 2", "city 3"])
    here = trait.filter(in_cities | ((pl.col("name") == "age") & (pl.col("number") >= 60))).select("person_no")
    await measure(f"{called}: windowed count", runs, lambda: count(twice(did("event 3", 7))))
    for amount in ("amount", "amount_float"):
        spent = did("event 2", 60).group_by("person_no").agg(pl.col(amount).sum()).filter(pl.col(amount) > 100)
        four = (
            twice(did("event 1", 30))
            .join(spent, on="person_no", how="semi")
            .join(did("event 4", 14), on="person_no", how="anti")
            .join(here, on="person_no", how="semi")
        )
        await measure(f"{called}: four, {amount}", runs, partial(count, four))


async def main(persons: int, events: int, runs: int, directory: Path) -> None:
    """Fill, ask, print."""
    key = base64.b64encode(b"k" * 32).decode()  # no traits here are personal
    store = await Columnar.open(f"chdb://{directory / 'columnar'}", master_key=key)
    start = time.perf_counter()
    if not (await store.rows("select count() as rows from event", {}))[0]["rows"]:
        await fill(store, persons, events)
    print(
        f"{persons:,} persons, {events:,} events, filled in {time.perf_counter() - start:.1f} s; "
        f"{os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; exactly-once blocks (no FINAL needed on events), traits read with FINAL, "
        f"unpacked blocks kept in {CACHE_BYTES / 1e9:.1f} GB"
    )
    universe = BitMap(range(1, persons + 1))
    touched = list(range(1, persons, max(1, persons // 1000)))[:1000]
    await measure("windowed count, everybody", runs, lambda: asked(store, [WINDOWED], universe, None))
    await measure("four conditions, everybody", runs, lambda: asked(store, [FOUR], universe, None))
    await measure("one condition, 1,000 touched persons", runs, lambda: asked(store, [WINDOWED], universe, touched))
    await measure("four conditions, 500 touched persons", runs, lambda: asked(store, [FOUR], universe, touched[:500]))
    await measure("300 segments at once, 1,000 touched", runs, lambda: asked(store, THREE_HUNDRED, universe, touched))
    print(f"peak memory until here {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB", flush=True)
    await compare(store, runs, directory)
    print(
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data", type=Path, help="keep the store here, and ask it again the next time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-segment-queries-") as made:
        folder = arguments.data or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(main(arguments.persons, arguments.events, arguments.runs, folder))
