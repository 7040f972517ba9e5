-- Add up what departed from the tracking plan. Index: plan_violation_pkey.
insert into plan_violation as v (
    workspace_id, event_name, pointer, reason, source_id, mode, seen, first_seen, last_seen
)
select workspace_id, event_name, pointer, reason, source_id, mode, seen, :now, :now
from unnest(
    :workspace_ids::int[], :event_names::text[], :pointers::text[], :reasons::text[], :source_ids::int[],
    :modes::text[], :counts::bigint[]
) as departed (workspace_id, event_name, pointer, reason, source_id, mode, seen)
on conflict (workspace_id, event_name, pointer, reason, source_id) do update set
    mode = excluded.mode,
    seen = v.seen + excluded.seen,
    first_seen = least(v.first_seen, excluded.first_seen),
    last_seen = greatest(v.last_seen, excluded.last_seen)
