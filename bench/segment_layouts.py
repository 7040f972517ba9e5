"""What each layout of the events costs and gains: order, granules, projections; properties in maps, columns or JSON.

    python bench/segment_layouts.py --persons 20000 --events 200000
    python bench/segment_layouts.py --persons 1000000 --events 10000000    # about 10 GB of disk
    python bench/segment_layouts.py --persons 10000000 --events 100000000 --properties 1 --data DIR \
        --only "as it is" "person first" "typed" "of_person" "JSON"        # about 30 GB

One set of made-up events with some properties, laid down in each way and merged into one part a month; the same
questions to each. Prints processor milliseconds (the least of the runs: the machine is shared) and bytes an event.
"""

import argparse
import asyncio
import base64
import tempfile
import time
from pathlib import Path

from clickhouse_connect.driver.exceptions import DatabaseError

from services.segment.store.columnar import Columnar

BULK = "settings max_execution_time = 0, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 512000000"
# a merge that has begun is waited for, however long it takes beside other work of the machine
MERGED = "settings max_execution_time = 0, optimize_throw_if_noop = 1, lock_acquire_timeout = 7200"
CANNOT_ASSIGN_OPTIMIZE = 388
DAYS = 90
BEGINS = 1_709_251_200
"""1 March 2024, UTC; now is 90 days later."""

COLUMNS = "name LowCardinality(String), person_no Int32, event_time DateTime64(6, 'UTC') codec(Delta, ZSTD(1))"
BY_TIME = "projection by_time (select name, event_time, person_no order by name, event_time)"
BY_PERSON = "projection by_person (select name, event_time, person_no order by person_no, name, event_time)"
MAP_TYPE = "Map(LowCardinality(String), Float64)"
MAP = f"number {MAP_TYPE}"
OF_PERSON = """projection of_person (select name, event_time, person_no, {beside} order by person_no, name, event_time)
    with settings (index_granularity = 256, min_compress_block_size = 8192)"""
NAMED, PERSON_FIRST = "name, person_no, event_time", "person_no, name, event_time"

# layout -> (more columns, projections and indices; order; settings; how the property is read)
LAYOUTS = {
    "as it is: name, person; 1,024; by_time": ((MAP, BY_TIME), NAMED, "index_granularity = 1024", "number['p1']"),
    "granules of 8,192": ((MAP, BY_TIME), NAMED, "index_granularity = 8192", "number['p1']"),
    "granules of 256": ((MAP, BY_TIME), NAMED, "index_granularity = 256", "number['p1']"),
    "no projection": ((MAP,), NAMED, "index_granularity = 1024", "number['p1']"),
    "by_person beside by_time": ((MAP, BY_TIME, BY_PERSON), NAMED, "index_granularity = 1024", "number['p1']"),
    "an index of times": (
        (MAP, BY_TIME, "index times event_time type minmax granularity 4"),
        NAMED,
        "index_granularity = 1024",
        "number['p1']",
    ),
    "person first": ((MAP, BY_TIME), PERSON_FIRST, "index_granularity = 1024", "number['p1']"),
    "maps in buckets": (
        (MAP, BY_TIME),
        NAMED,
        "index_granularity = 1024, map_serialization_version = 'with_buckets'",
        "number['p1']",
    ),
    "a typed column": (
        (MAP, BY_TIME, "p1 Float64 materialized number['p1']"),
        NAMED,
        "index_granularity = 1024",
        "p1",
    ),
    "of_person with the maps": (
        (MAP, BY_TIME, OF_PERSON.format(beside="number")),
        NAMED,
        "index_granularity = 1024",
        "number['p1']",
    ),
    "of_person with maps as a text": (
        (MAP, BY_TIME, "packed String materialized toString(tuple(number))", OF_PERSON.format(beside="packed")),
        NAMED,
        "index_granularity = 1024",
        "number['p1']",
    ),
    "JSON": (("number JSON", BY_TIME), NAMED, "index_granularity = 1024", "number.p1.:Float64"),
}


OPENED = f"tupleElement(cast(packed as Tuple({MAP_TYPE})), 1)['p1']"
"""How the property of single rows is read where it lies in a text, too."""


def questions(persons: int, value: str, of_few: str) -> dict[str, str]:
    """Return the questions put to a layout, with `{table}` in place of its name."""
    touched = ", ".join(str(number) for number in range(1, persons, max(1, persons // 1000)))
    sets = "select groupBitmap(toUInt32(person_no)) from "
    return {
        "twice in 7 days": f"{sets}(select person_no from {{table}} where name = 'event 3'"
        f" and event_time >= {_ago(7)} group by person_no having count() >= 2)",
        "property, 60 days": f"{sets}{{table}} where name = 'event 2' and event_time >= {_ago(60)} and {value} > 50",
        "property, 7 days": f"{sets}{{table}} where name = 'event 2' and event_time >= {_ago(7)} and {value} > 50",
        "1,000 touched, 1 name": f"select person_no, count() from {{table}} where name = 'event 3'"
        f" and event_time >= {_ago(7)} and person_no in ({touched}) group by person_no",
        "1,000 touched, all names": f"select person_no, name, groupArray(event_time) from {{table}}"
        f" where person_no in ({touched}) group by person_no, name",
        "1,000 touched, a property": f"select person_no, sum({of_few}) from {{table}}"
        f" where person_no in ({touched}) group by person_no",
        "a minute's slice": f"select distinct person_no from {{table}} where name = 'event 5'"
        f" and event_time >= {_ago(7)} and event_time < {_ago(7)} + 60",
    }


def _ago(days: int) -> str:
    return f"toDateTime64({BEGINS + (DAYS - days) * 86_400}, 6, 'UTC')"


def _table(name: str, extra: tuple[str, ...], order: str, settings: str) -> str:
    return (
        f"create table {name} ({', '.join((COLUMNS, *extra))}) engine = MergeTree"
        f" partition by toYYYYMM(event_time) order by ({order}) settings {settings}"
    )


async def fill(store: Columnar, persons: int, events: int, properties: int) -> None:
    """Make the events once."""
    await store.command(_table("made", (MAP,), NAMED, "index_granularity = 8192"))
    numbers = ", ".join(f"'p{n}', cityHash64(number, 10 + {n}) % 10000 / 100" for n in range(1, properties + 1))
    await store.command(
        f"insert into made select concat('event ', toString(cityHash64(number, 4) % 20)),"
        f" toInt32(cityHash64(number, 1) % {persons}) + 1,"
        f" toDateTime64({BEGINS} + cityHash64(number, 2) % {DAYS * 86_400}, 6, 'UTC'), map({numbers})"
        f" from numbers({events}) {BULK}"
    )


async def merge_whole(store: Columnar, table: str) -> None:
    """Merge a table into one part a month, after the merges that have begun by themselves.

    The engine waits two minutes for those, whatever it is told.
    """
    while True:
        try:
            await store.command(f"optimize table {table} final {MERGED}")
        except DatabaseError as error:
            if error.code != CANNOT_ASSIGN_OPTIMIZE:
                raise
        else:
            return


async def cheapest(store: Columnar, sql: str, runs: int, *, few_rows: bool) -> float:
    """Return the processor milliseconds of the cheapest run."""
    spent = []
    for _ in range(runs):
        before = time.process_time()
        await store.ask(sql, {}, few_rows=few_rows)
        spent.append(time.process_time() - before)
    return min(spent) * 1000


async def main(persons: int, events: int, runs: int, directory: Path, properties: int, only: list[str]) -> None:
    """Lay the events down in each way, ask, print."""
    key = base64.b64encode(b"k" * 32).decode()  # nothing here is personal
    store = await Columnar.open(f"chdb://{directory / 'columnar'}", master_key=key)
    await fill(store, persons, events, properties)
    print(f"{persons:,} persons, {events:,} events of {properties} properties; processor ms, the least of {runs} runs")
    heads = list(questions(persons, "1", "1"))
    print(f"| layout | bytes an event | laid down, s | {' | '.join(heads)} |\n|---|{'---|' * (len(heads) + 2)}")
    for number, (called, (extra, order, settings, value)) in enumerate(LAYOUTS.items()):
        if only and not any(part in called for part in only):
            continue
        table = f"laid_{number}"
        await store.command(_table(table, extra, order, settings))
        # parts are merged once, when all are there
        await store.command(f"system stop merges {table}")
        before = time.process_time()
        number_column = "toJSONString(number)" if "JSON" in called else "number"
        await store.command(
            f"insert into {table} (name, person_no, event_time, number)"
            f" select name, person_no, event_time, {number_column} from made {BULK}"
        )
        await store.command(f"system start merges {table}")
        await merge_whole(store, table)
        laid = time.process_time() - before
        (size,) = await store.rows(
            "select sum(bytes_on_disk) as bytes, count() as parts, uniqExact(partition) as months from system.parts"
            f" where active and table = '{table}'",
            {},
        )
        if size["parts"] != size["months"]:
            raise RuntimeError(f"{called}: {size['parts']} parts of {size['months']} months are not merged")
        of_few = OPENED if "as a text" in called else value
        spent = [
            await cheapest(store, sql.format(table=table), runs, few_rows="touched" in asked)
            for asked, sql in questions(persons, value, of_few).items()
        ]
        print(
            f"| {called} | {size['bytes'] / events:.1f} | {laid:.1f} | {' | '.join(f'{one:.0f}' for one in spent)} |",
            flush=True,
        )
        await store.command(f"drop table {table}")
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--properties", type=int, default=8, help="of an event")
    parser.add_argument("--only", nargs="*", default=[], metavar="PART", help="layouts whose names have one of these")
    parser.add_argument("--data", type=Path, help="a new folder on a disk with room")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-segment-layouts-", dir=arguments.data) as made:
        asyncio.run(
            main(
                arguments.persons,
                arguments.events,
                arguments.runs,
                Path(made),
                arguments.properties,
                arguments.only,
            )
        )
