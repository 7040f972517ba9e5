"""Plans that do not wait for statistics: what the planner takes for granted of tables that were never analysed."""

from libs.common.db.migration import execute
from libs.common.db.schema import assume_one_workspace

revision = "0018"
down_revision = "0017"

MONTHS = """
-- Make the month of an instant, in four hash partitions. Attaching takes no lock that stops writers.
create or replace function identity.ensure_event_month(instant timestamptz) returns text
language plpgsql security definer set search_path = identity, pg_temp
as $$
declare
    first_day date := date_trunc('month', instant at time zone 'UTC')::date;
    month text := 'event_log_' || to_char(first_day, 'YYYY_MM');
    opens timestamptz := first_day::timestamp at time zone 'UTC';
    closes timestamptz := (first_day + interval '1 month')::timestamp at time zone 'UTC';
    part integer;
begin
    if exists (
        select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'identity.event_log'::regclass and c.relname = month
    ) then
        return month;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('identity.' || month, 0));
    if to_regclass('identity.' || month) is not null then
        return month;
    end if;
    execute format(
        'create table identity.%I (like identity.event_log including defaults including storage)'
        ' partition by hash (event_id)', month);
    for part in 0..3 loop
        execute format(
            'create table identity.%I partition of identity.%I for values with (modulus 4, remainder %s)',
            month || '_' || part, month, part);
        -- until it is first analysed
        perform pg_restore_attribute_stats(
            'schemaname', 'identity', 'relname', month || '_' || part, 'attname', 'workspace_id', 'inherited', false,
            'null_frac', 0::real, 'avg_width', 4, 'n_distinct', 1::real);
    end loop;
    execute format(
        'alter table identity.event_log attach partition identity.%I for values from (%L) to (%L)',
        month, opens, closes);
    return month;
end
$$;
"""


def upgrade() -> None:
    """Note it for the tables that are there, and for months to come; what was analysed keeps its statistics."""
    execute(MONTHS, assume_one_workspace("identity"))


def downgrade() -> None:
    """Remove nothing: the record is not undone by a migration."""
