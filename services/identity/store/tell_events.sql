-- Events by arrival that have been told, oldest first. Index: event_log_pkey, month by month until the page is full.
-- What waits to be resolved has not been told, nor what was read and left to another copy; both are few.
select
    e.workspace_id, e.event_id, e.source_id, e.received_at, e.event_time, e.original_time, e.kind, e.name,
    e.message_id, e.is_conflict, e.imported, e.live, e.payload
from event_log e
where
    e.workspace_id = :workspace_id
    and (:after_time::timestamptz is null or e.received_at >= :after_time)
    and (:after_time::timestamptz is null or (e.received_at, e.event_id) > (:after_time, :after_id::uuid))
    and not exists (select from ingest_queue q where q.workspace_id = e.workspace_id and q.event_id = e.event_id)
    and not exists (select from untold u where u.event_id = e.event_id)
    and not exists (select from passed_over p where p.event_id = e.event_id)
order by e.received_at, e.event_id
limit :row_limit
