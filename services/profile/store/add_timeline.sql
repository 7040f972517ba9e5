-- Adds rows in bulk. Primary key of the holder's partition.
insert into timeline (
    workspace_id, holder_no, event_time, event_id, person_no_at_ingest, kind, name, source_id, received_at, body, sealed
)
select * from unnest(
    :workspace_ids::int[], :holder_nos::int[], :event_times::timestamptz[], :event_ids::uuid[], :person_nos::int[],
    :kinds::text[], :names::text[], :source_ids::int[], :received::timestamptz[], :bodies::text[], :sealed::bytea[]
)
on conflict do nothing
