-- Events of the record by their full keys. Index: event_log_pkey, one partition per key. By `earliest` and `latest` the
-- planner leaves out other months at once: each partition costs it time, and 25 months have a hundred.
select
    e.workspace_id, e.event_id, e.source_id, e.received_at, e.event_time, e.original_time, e.kind, e.name,
    e.message_id, e.is_conflict, e.imported, e.live, e.payload
from unnest(:workspace_ids::text::int[], :received_ats::timestamptz[], :event_ids::uuid[]) as wanted (workspace_id, received_at, event_id)
join event_log e
    on e.workspace_id = wanted.workspace_id and e.received_at = wanted.received_at and e.event_id = wanted.event_id
where e.received_at >= :earliest and e.received_at <= :latest
