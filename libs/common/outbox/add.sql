-- Say events: the payload goes to the log (row-level security), its number to the relay's queue.
with logged as (
    insert into outbox_log (workspace_id, subject, pp, event_count, payload, watermark, earliest, traceparent)
    select r.workspace_id, r.subject, r.pp, r.event_count, r.payload, r.watermark, r.earliest, :traceparent
    from unnest(
        :workspace_ids::int[], :subjects::text[], :pps::smallint[], :event_counts::int[], :payloads::bytea[],
        :watermarks::timestamptz[], :earliests::timestamptz[]
    ) with ordinality as r (workspace_id, subject, pp, event_count, payload, watermark, earliest, position)
    order by r.position
    returning log_id, workspace_id, length(payload) as byte_count
)
insert into outbox_queue (log_id, workspace_id, byte_count)
select log_id, workspace_id, byte_count from logged
