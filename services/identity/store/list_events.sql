-- Events by arrival, newest first. Index: event_log_pkey backwards, month by month until the page is full.
select
    workspace_id, event_id, source_id, received_at, event_time, original_time, kind, name, message_id, is_conflict,
    imported, live, payload
from event_log
where
    workspace_id = :workspace_id
    and (:source_id::int is null or source_id = :source_id)
    and (:name::text is null or name = :name)
    and (:before_time::timestamptz is null or received_at <= :before_time)
    and (:before_time::timestamptz is null or (received_at, event_id) < (:before_time, :before_id::uuid))
order by received_at desc, event_id desc
limit :row_limit
