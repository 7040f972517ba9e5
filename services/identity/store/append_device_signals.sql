-- Facts about who was seen on devices, once each. Index: device_signal_pkey.
insert into device_signal (workspace_id, node_no, at, event_id, part, kind, who_no, tier)
select workspace_id, node_no, at, event_id, part, kind, who_no, tier
from unnest(
    :workspace_ids::int[], :node_nos::int[], :ats::timestamptz[], :event_ids::uuid[], :parts::smallint[],
    :kinds::text[], :who_nos::int[], :tiers::smallint[]
) as posted (workspace_id, node_no, at, event_id, part, kind, who_no, tier)
on conflict do nothing
