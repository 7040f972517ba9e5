"""DDL that every service shares: the common tables, row-level security, claim queues."""

from pathlib import Path

CLAIM_QUEUE = "claim queue"
"""The comment on a table that has a workspace_id and, on purpose, no row-level security."""

_COMMON = Path(__file__).with_name("common_tables.sql")


def common_tables(service: str) -> list[str]:
    """Return the scripts that make the tables every service has; for the first migration."""
    projections = ("workspace", "source", "api_key")
    worker_only = ("outbox_stream", "outbox_consumer", "inbox_consumer", "inbox", "inbox_suspect")
    return [
        _COMMON.read_text(encoding="utf-8").replace("{schema}", service),
        *protect(service, "outbox_log"),
        *protect(service, "dead_letter"),
        *protect(service, "idempotency_key"),
        *protect(service, "said"),
        *claim_queue(service, "outbox_queue"),
        *claim_queue(service, "replay", app=""),
        *claim_queue(service, "outbox_workspace", app=""),
        # small projections, looked up before a workspace is known: the app reads, the directory (worker) writes
        *(line for table in projections for line in claim_queue(service, table, app="select")),
        f"grant update (driven_now, held) on {service}.workspace to {service}_app",
        *(f"grant all on {service}.{table} to {service}_worker" for table in worker_only),
        f"grant select on {service}.inbox_consumer, {service}.outbox_consumer to {service}_app",
    ]


def protect(schema: str, table: str) -> list[str]:
    """Return the DDL that confines a table with a workspace_id to the transaction's workspaces.

    Without a workspace set it shows no rows. `nullif` because a pooled connection keeps '' after a local setting.
    """
    visible = "workspace_id = any(nullif(current_setting('app.workspaces', true), '')::int[])"
    return [
        f"alter table {schema}.{table} enable row level security",
        f"alter table {schema}.{table} force row level security",
        f"create policy workspaces on {schema}.{table} using ({visible}) with check ({visible})",
        f"grant select, insert, update, delete on {schema}.{table} to {schema}_app",
    ]


def claim_queue(schema: str, table: str, *, app: str = "insert") -> list[str]:
    """Return the DDL of a narrow table without payload that workers read across workspaces.

    No row-level security; the app role gets `app` only (INSERT alone; name more, or none, where a request needs it).
    """
    return [
        f"comment on table {schema}.{table} is '{CLAIM_QUEUE}'",
        *([f"grant {app} on {schema}.{table} to {schema}_app"] if app else []),
        f"grant select, insert, update, delete on {schema}.{table} to {schema}_worker",
    ]


def assume_one_workspace(schema: str) -> str:
    """Return the DDL that has the planner take nearly all rows of tables that were never analysed for one workspace's.

    Of a table without statistics it takes the rows of the transaction's workspaces, which row-level security asks for,
    for a handful. Then it reads them all and compares each with each of a batch: 400 ms for 300 of 4,000 links.
    """
    return f"""
        do $$
        begin
            perform pg_restore_attribute_stats(
                'schemaname', '{schema}', 'relname', c.relname::text, 'attname', 'workspace_id', 'inherited', false,
                'null_frac', 0::real, 'avg_width', 4, 'n_distinct', 1::real)
            from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped
            where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r' and c.reltuples < 0;
        end
        $$
    """
