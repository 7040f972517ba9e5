"""The columnar tables (docs/adr/0010-columnar-layout.md says why they lie so)."""

from services.segment.domain.columns import LARGEST_NUMBER

WINDOW_OF_BLOCKS = 100_000
"""How many inserted blocks the engine remembers by token; a block is re-sent within seconds of a crash."""


WORKSPACE_TABLES = ("event", "trait", "personal_trait", "account_trait", "override", "override_span", "squash")


_KINDS = {
    "facets": "UInt16",
    "text": "String",
    "folded": "String",
    "decimal": "Decimal(38, 10)",
    "number": "Float64",
    "time": "DateTime64(6, 'UTC')",
    "items": "Array(String)",
}


def _map(kind: str) -> str:
    return f"Map(LowCardinality(String), {kind})"


def _value_maps(prefix: str) -> str:
    return ",\n".join(f"    {prefix}_{part} {_map(kind)}" for part, kind in _KINDS.items())


PACKED = {f"property_{part}": _map(kind) for part, kind in _KINDS.items()}
"""What lies packed in one column too, as the text of a tuple: whoever reads single rows opens one stream, not 21."""
# with plain keys: single rows have few, and a dictionary made for each row took two thirds of reading it
_PLAINLY = {name: kind.replace("LowCardinality(String)", "String") for name, kind in PACKED.items()}
OPENED = f"cast(packed as Tuple({', '.join(f'{name} {kind}' for name, kind in _PLAINLY.items())}))"
_PACKED = f"packed String materialized toString(tuple({', '.join(PACKED)})) codec(ZSTD(1))"

BY_PERSON = "of_person"
_BESIDE = ("workspace_id", "person_no", "name", "event_time", "received_at", "event_id", "subject_no", "generation")
_OF_PERSON = f"""{BY_PERSON} (
        select {", ".join(_BESIDE)}, packed
        order by workspace_id, person_no, name, event_time
    ) with settings (index_granularity = 256, min_compress_block_size = 8192)"""
"""What is asked of a thousand persons reads a few rows of each, in a thousand places: a place costs by the column."""

# in the order of persons times are no series: cut to the bits they differ in they are read twice as fast, and smaller
_EVENT_TIME = "DateTime64(6, 'UTC') codec(T64)"

_EVENT = f"""
create table if not exists event (
    workspace_id Int32,
    name LowCardinality(String),
    person_no Int32,
    event_time {_EVENT_TIME},
    subject_no Int64,
    person_no_at_ingest Int32,
    received_at DateTime64(6, 'UTC') codec(Delta, ZSTD(1)),
    event_id UUID,
    origin Enum8('collected' = 1, 'own' = 2),
    source_id Int32,
{_value_maps("property")},
    generation Int32,
    {_PACKED},
    index keys mapKeys(property_facets) type bloom_filter(0.01) granularity 8,
    index largest {LARGEST_NUMBER} type minmax granularity 8,
    projection by_time (
        select workspace_id, name, event_time, person_no, subject_no order by workspace_id, name, event_time
    ),
    projection {_OF_PERSON}
) engine = MergeTree
partition by toYYYYMM(received_at)
order by (workspace_id, name, person_no, event_time)
settings index_granularity = 1024, non_replicated_deduplication_window = {WINDOW_OF_BLOCKS}
"""

_TRAIT = f"""
create table if not exists {{table}} (
    workspace_id Int32,
    name LowCardinality(String),
    {{whose}},
    version Int64,
    since DateTime64(6, 'UTC'),
    facets UInt16,
    text String,
    folded String,
    decimal Decimal(38, 10),
    number Float64,
    time DateTime64(6, 'UTC'),
    items Array(String),
{_value_maps("leaf")}
) engine = ReplacingMergeTree(version)
order by (workspace_id, name, {{key}})
settings index_granularity = 1024, non_replicated_deduplication_window = {WINDOW_OF_BLOCKS}{{policy}}
"""

_OVERRIDE = f"""
create table if not exists override (
    workspace_id Int32,
    subject_no Int64,
    person_no Int32,
    version Int64
) engine = ReplacingMergeTree(version)
order by (workspace_id, subject_no)
settings non_replicated_deduplication_window = {WINDOW_OF_BLOCKS}
"""

# of subjects that are one person's now and were another's then: from `starts[i]` on they were `persons[i]`'s
_OVERRIDE_SPAN = f"""
create table if not exists override_span (
    workspace_id Int32,
    subject_no Int64,
    starts Array(DateTime64(6, 'UTC')),
    persons Array(Int32),
    version Int64
) engine = ReplacingMergeTree(version)
order by (workspace_id, subject_no)
settings non_replicated_deduplication_window = {WINDOW_OF_BLOCKS}
"""


# which rows, by subject and the person they lie under, are being laid under whom
_SQUASH = f"""
create table if not exists squash (
    workspace_id Int32,
    squash_no Int32,
    subject_no Int64,
    person_no Int32,
    to_person_no Int32
) engine = MergeTree
order by (workspace_id, squash_no, subject_no)
settings non_replicated_deduplication_window = {WINDOW_OF_BLOCKS}
"""


_STORE = """
create table if not exists store_mark (store_id UUID) engine = MergeTree order by store_id
"""


def statements(personal_policy: str) -> list[str]:
    """Return the DDL; personal trait values lie on the disk of `personal_policy`, which is encrypted."""
    sealed = f", storage_policy = '{personal_policy}'"
    return [
        _EVENT,
        _TRAIT.format(table="trait", whose="person_no Int32", key="person_no", policy=""),
        _TRAIT.format(table="personal_trait", whose="person_no Int32", key="person_no", policy=sealed),
        _TRAIT.format(table="account_trait", whose="account String", key="account", policy=sealed),
        _OVERRIDE,
        _OVERRIDE_SPAN,
        _SQUASH,
        _STORE,
    ]


CHANGES = (
    ("event", "alter table event add column if not exists generation Int32"),
    (
        "event",
        "alter table event add index if not exists keys mapKeys(property_facets) type bloom_filter(0.01) granularity 8",
    ),
    ("event", f"alter table event add index if not exists largest {LARGEST_NUMBER} type minmax granularity 8"),
    ("event", f"alter table event modify column event_time {_EVENT_TIME}"),
    ("event", f"alter table event add column if not exists {_PACKED}"),
    ("event", "alter table event drop projection if exists by_person"),
    ("event", f"alter table event add projection if not exists {_OF_PERSON}"),
)
"""What a table of an earlier layout lacks; on a cluster whoever administers it makes these changes."""
