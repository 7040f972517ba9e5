-- Add what was learned to the catalogue. Index: catalogue_pkey.
insert into catalogue as c (workspace_id, kind, event_name, name, types, seen, first_seen, last_seen)
select workspace_id, kind, event_name, name, string_to_array(types, ','), seen, :now, :now
from unnest(
    :workspace_ids::int[], :kinds::text[], :event_names::text[], :names::text[], :type_lists::text[], :counts::bigint[]
) as learned (workspace_id, kind, event_name, name, types, seen)
order by 1, 2, 3, 4
on conflict (workspace_id, kind, event_name, name) do update set
    types = (select array_agg(distinct t order by t) from unnest(c.types || excluded.types) t),
    seen = c.seen + excluded.seen,
    first_seen = least(c.first_seen, excluded.first_seen),
    last_seen = greatest(c.last_seen, excluded.last_seen)
