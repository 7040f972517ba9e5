"""The columnar tables (docs/adr/0010-columnar-layout.md says why they lie so)."""

WINDOW_OF_BLOCKS = 100_000
"""How many inserted blocks the engine remembers by token; a block is re-sent within seconds of a crash."""


WORKSPACE_TABLES = ("event", "trait", "personal_trait", "override")


def _value_maps(prefix: str) -> str:
    kinds = {
        "facets": "UInt16",
        "text": "String",
        "folded": "String",
        "decimal": "Decimal(38, 10)",
        "number": "Float64",
        "time": "DateTime64(6, 'UTC')",
        "items": "Array(String)",
    }
    return ",\n".join(f"    {prefix}_{part} Map(LowCardinality(String), {kind})" for part, kind in kinds.items())


_EVENT = f"""
create table if not exists event (
    workspace_id Int32,
    name LowCardinality(String),
    person_no Int32,
    event_time DateTime64(6, 'UTC') codec(Delta, ZSTD(1)),
    subject_no Int64,
    person_no_at_ingest Int32,
    received_at DateTime64(6, 'UTC') codec(Delta, ZSTD(1)),
    event_id UUID,
    origin Enum8('collected' = 1, 'own' = 2),
    source_id Int32,
{_value_maps("property")},
    projection by_time (
        select workspace_id, name, event_time, person_no, subject_no order by workspace_id, name, event_time
    )
) engine = MergeTree
partition by toYYYYMM(received_at)
order by (workspace_id, name, person_no, event_time)
settings index_granularity = 1024, non_replicated_deduplication_window = {WINDOW_OF_BLOCKS}
"""

_TRAIT = f"""
create table if not exists {{table}} (
    workspace_id Int32,
    name LowCardinality(String),
    person_no Int32,
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
order by (workspace_id, name, person_no)
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


_STORE = """
create table if not exists store_mark (store_id UUID) engine = MergeTree order by store_id
"""


def statements(personal_policy: str) -> list[str]:
    """Return the DDL; personal trait values lie on the disk of `personal_policy`, which is encrypted."""
    sealed = f", storage_policy = '{personal_policy}'"
    return [
        _EVENT,
        _TRAIT.format(table="trait", policy=""),
        _TRAIT.format(table="personal_trait", policy=sealed),
        _OVERRIDE,
        _STORE,
    ]
