"""The columnar tables for a ClickHouse cluster: replicated, and sharded by person.

`python -m services.segment.store.columnar_cluster CLUSTER` prints the statements, to be run once by whoever administers
the cluster; the service then finds its tables under their usual names. With `--changes` it prints what tables of an
earlier layout lack, to be run before the service of this version starts.
"""

import re
import sys

from services.segment.store.columnar_schema import CHANGES, statements

SHARDED_BY = {
    # the person whose rows a question reads together; ownership has to be known wherever his events may lie
    "event": "cityHash64(workspace_id, person_no)",
    "trait": "cityHash64(workspace_id, person_no)",
    "personal_trait": "cityHash64(workspace_id, person_no)",
}
EVERYWHERE = ("account_trait", "override", "override_span", "squash", "store_mark")
"""Small tables that every shard has whole: one shard of replicas as far as replication goes."""
_CREATE = re.compile(r"create table if not exists (\w+) \(")
_ADDED_COLUMN = re.compile(r"alter table \w+ add column if not exists (\w+) (\S+)(.*)", re.DOTALL)
_DISTRIBUTED = re.compile(r"Distributed\('([\w-]+)', [^,]+, '(\w+)'")
_ENGINE = re.compile(r"\bengine = (Replacing)?MergeTree(?:\(([^)]*)\))?")


def cluster_statements(cluster: str, *, policy: str) -> list[str]:
    """Return the DDL of the local tables and of the distributed ones before them, on every node of `cluster`."""
    made = []
    for statement in statements(policy):
        table = _name(statement)
        local = f"{table}_local" if table in SHARDED_BY else table
        made.append(_replicated(statement, table, local, cluster))
        if table in SHARDED_BY:
            made.append(
                f"create table if not exists {table} on cluster '{cluster}' as {local}\n"
                f"engine = Distributed('{cluster}', currentDatabase(), {local}, {SHARDED_BY[table]})"
            )
    return made


def cluster_changes(cluster: str) -> list[str]:
    """Return what local tables of an earlier layout lack; a distributed one has no more of its own than columns."""
    made = []
    for table, change in CHANGES:
        local = f"{table}_local" if table in SHARDED_BY else table
        made.append(change.replace(f"alter table {table} ", f"alter table {local} on cluster '{cluster}' ", 1))
        column = _ADDED_COLUMN.fullmatch(change)
        # what is computed where it is stored is no column to insert into
        if column and table in SHARDED_BY:
            rest = f" {column[3].strip()}" if column[3].strip().startswith("materialized") else ""
            name, kind = column[1], column[2]
            made.append(f"alter table {table} on cluster '{cluster}' add column if not exists {name} {kind}{rest}")
    return made


def local_table(engine: str) -> str:
    """Return where rows of a distributed table are deleted, given its engine as `system.tables` spells it."""
    found = _DISTRIBUTED.match(engine)
    if found is None:
        raise ValueError(f"this is no distributed table: {engine[:60]}")
    return f"{found[2]} on cluster '{found[1]}'"


def _name(statement: str) -> str:
    found = _CREATE.search(statement)
    if found is None:
        raise ValueError(f"this is no table: {statement[:60]}")
    return found[1]


def _replicated(statement: str, table: str, local: str, cluster: str) -> str:
    shard = "{shard}" if table in SHARDED_BY else "all"
    place = f"'/clickhouse/tables/{shard}/rapport/{local}', '{{replica}}'"

    def engine(found: re.Match[str]) -> str:
        kind, version = found[1] or "", f", {found[2]}" if found[2] else ""
        return f"engine = Replicated{kind}MergeTree({place}{version})"

    text = _CREATE.sub(f"create table if not exists {local} on cluster '{cluster}' (", statement, count=1)
    # replicas remember blocks in the keeper
    text = text.replace("non_replicated_deduplication_window", "replicated_deduplication_window")
    return _ENGINE.sub(engine, text, count=1).strip()


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--changes"]
    if len(words) != 1:
        sys.exit(__doc__)
    told = cluster_changes(words[0]) if "--changes" in sys.argv else cluster_statements(words[0], policy="personal")
    print(";\n\n".join(told) + ";")  # noqa: T201 - a command's answer
