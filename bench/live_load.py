"""For benches: a segment service that has known its persons and events for long, filled in bulk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pyroaring import BitMap

from bench.live_mix import CITIES, NAMES, TAGS
from services.segment.conditions.catalogue import grammar
from services.segment.domain.answer import answer_all, ask_all
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import parse_definition
from services.segment.domain.moment import Moment
from services.segment.domain.values import stored
from services.segment.domain.world import LiveSegment, chunk_of, chunks_of
from services.segment.store.asking import ask
from services.segment.store.columnar import Columnar
from services.segment.store.scope import Scope

DAYS = 90
PRODUCTS = 10
CHUNK = 2_000_000
SEGMENTS_AT_ONCE = 20
BULK = "settings max_execution_time = 0, min_insert_block_size_rows = 1000000, min_insert_block_size_bytes = 512000000"

_PERSONS = """
insert into segment.person (workspace_id, person_no, person_id)
select 1, n, lpad(to_hex(n), 32, '0')::uuid from generate_series(1, $1::int) n
"""
_SUBJECTS = """
insert into segment.subject (workspace_id, subject_no, person_no, version, stored_under)
select 1, n * 2, n, 1, array[n] from generate_series(1, $1::int) n
"""
_NAMES = "insert into segment.known_name (workspace_id, kind, name) select 1, $1, unnest($2::text[])"


def person_id(person_no: int) -> UUID:
    """Return the id a person is loaded with."""
    return UUID(int=person_no)


async def load_persons(database_url: str, persons: int) -> None:
    """Write the universe, whom their subjects belong to, and the names known."""
    admin = await asyncpg.connect(database_url)
    await admin.execute(_PERSONS, persons)
    await admin.execute(_SUBJECTS, persons)
    await admin.execute(_NAMES, "event", NAMES)
    await admin.execute(_NAMES, "trait", ["city", "age", "tags"])
    await admin.execute("vacuum analyze segment.person, segment.subject")
    await admin.close()


async def load_events(
    store: Columnar, *, persons: int, events: int, now: datetime, more: Mapping[str, Sequence[object]] | None = None
) -> None:
    """Write events of 90 days up to `now` (person and name by hash, an amount and a product), and traits of each."""
    begins = int((now - timedelta(days=DAYS)).timestamp())
    maps = ", ".join(f"property_{part}" for part in ("facets", "text", "decimal", "number"))
    # merged once, when all is there
    await store.command("system stop merges")
    for start in range(0, events, CHUNK):
        await store.command(
            f"""
            insert into event (workspace_id, name, person_no, event_time, subject_no, person_no_at_ingest, received_at,
                               event_id, origin, source_id, {maps})
            with toInt32(cityHash64(number, 1) % {persons}) + 1 as person,
                 fromUnixTimestamp64Micro(toInt64({begins} * 1000000
                     + cityHash64(number, 2) % {DAYS * 86_400 * 1_000_000}), 'UTC') as at,
                 cityHash64(number, 3) % 10000 as cents,
                 concat('p', toString(cityHash64(number, 5) % {PRODUCTS})) as product
            select 1, concat('event ', toString(cityHash64(number, 4) % {len(NAMES)})), person, at, person * 2, person,
                   at, generateUUIDv7(), 'collected', 1, map('amount', 98, 'product', 1),
                   map('amount', toString(cents / 100), 'product', product),
                   map('amount', toDecimal128(cents, 10) / 100), map('amount', cents / 100)
            from numbers({start}, {min(CHUNK, events - start)}) {BULK}
            """
        )
    for seed, (name, values) in enumerate({**trait_values(), **(more or {})}.items(), start=6):
        await _load_trait(store, name, values, persons=persons, since=begins, seed=seed)
    await store.command("system start merges")
    for table in ("event", "trait"):
        await store.command(f"optimize table {table} final settings max_execution_time = 0")


def trait_values() -> dict[str, Sequence[object]]:
    """Return the values each trait is drawn from."""
    tags = [[TAGS[n], TAGS[(n * 3 + 1) % 20]] for n in range(20)]
    return {"city": CITIES, "age": range(90), "tags": tags}


async def _load_trait(
    store: Columnar, name: str, values: Sequence[object], *, persons: int, since: int, seed: int
) -> None:
    laid = [stored(value) for value in values]

    def chosen(one: Callable[[Any], str]) -> str:
        return f"[{', '.join(one(value) for value in laid)}][which]"

    await store.command(
        f"""
        insert into trait (workspace_id, name, person_no, version, since, facets, text, folded, decimal, number, time,
                           items)
        with 1 + cityHash64(number, {seed}) % {len(laid)} as which
        select 1, '{name}', toInt32(number) + 1, 1, toDateTime64({since}, 6, 'UTC'),
               {chosen(lambda value: str(int(value.facets)))}, {chosen(lambda value: f"'{value.text}'")},
               {chosen(lambda value: f"'{value.folded}'")},
               toDecimal128({chosen(lambda value: str(float(value.decimal)))}, 10),
               {chosen(lambda value: str(float(value.number)))},
               toDateTime64({chosen(lambda value: str(int(value.time.timestamp())))}, 6, 'UTC'),
               {chosen(lambda value: str(list(value.items)))}
        from numbers({persons}) {BULK}
        """
    )


async def load_members(
    store: Columnar, database_url: str, segments: dict[UUID, Any], *, persons: int, now: datetime
) -> dict[UUID, LiveSegment]:
    """Ask for everybody who is in each segment (definitions by id, those referred to first), and put them in force."""
    everybody = BitMap(range(1, persons + 1))
    live = [LiveSegment(one, 1, parse_definition(body, grammar())) for one, body in segments.items()]
    members: dict[UUID, BitMap] = {}
    plain, built = [one for one in live if not one.concerns.segments], [one for one in live if one.concerns.segments]
    groups = [
        some[at : at + SEGMENTS_AT_ONCE] for some in (plain, built) for at in range(0, len(some), SEGMENTS_AT_ONCE)
    ]
    for part in groups:
        inquiry = Inquiry(Moment(now))
        formulas = ask_all(part, inquiry)
        atoms = await ask(store, inquiry, Scope(1, None))
        found = answer_all(part, formulas, atoms=atoms, among=lambda _: everybody, otherwise=members.__getitem__)
        members.update(found)
    admin = await asyncpg.connect(database_url)
    chunks = [
        (1, one, number, chunk_of(found, number).serialize())
        for one, found in members.items()
        for number in chunks_of(found)
    ]
    columns = ["workspace_id", "segment_id", "chunk", "bitmap"]
    await admin.copy_records_to_table("membership_chunk", schema_name="segment", columns=columns, records=chunks)
    sizes = [(one, len(found)) for one, found in members.items()]
    await admin.executemany(
        "update segment.segment set state = 'live', live_version = 1, size = $2 where segment_id = $1", sizes
    )
    # a picture the service holds is not this one any more
    await admin.execute(
        """insert into segment.round as known (workspace_id, evaluated_until) values (1, $1)
        on conflict (workspace_id) do update set evaluated_until = $1, revision = known.revision + 1""",
        now,
    )
    await admin.close()
    for segment in live:
        segment.members = members[segment.segment_id]
    return {segment.segment_id: segment for segment in live}


def _parts(segments: Sequence[LiveSegment]) -> Iterator[Sequence[LiveSegment]]:
    """Yield as many as are asked for at once; those built of others after all others."""
    plain, built = ([one for one in segments if bool(one.concerns.segments) is are] for are in (False, True))
    for some in (plain, built):
        for start in range(0, len(some), SEGMENTS_AT_ONCE):
            yield some[start : start + SEGMENTS_AT_ONCE]
