-- Events whose key was never seen enter the key table, the log and the queue at once; the rest is left out.
-- One round trip for the whole group. The rows come in the order of their keys, so that two groups with keys in common
-- wait for each other instead of deadlocking. Index: event_deduplication_pkey.
with posted as (
    select *
    from unnest(
        :keys::bytea[], :workspace_ids::int[], :event_ids::uuid[], :source_ids::int[], :received_ats::timestamptz[],
        :event_times::timestamptz[], :original_times::timestamptz[], :kinds::text[], :names::text[],
        :message_ids::text[], :content_hashes::bytea[], :imported_flags::boolean[], :lives::boolean[],
        :conflicts::boolean[], :replaced::uuid[], :payloads::bytea[]
    ) as p (
        key, workspace_id, event_id, source_id, received_at, event_time, original_time, kind, name, message_id,
        content_hash, imported, live, is_conflict, replaces, payload
    )
),
taken as (
    insert into event_deduplication (workspace_id, key, content_hash, event_id, received_at)
    select workspace_id, key, content_hash, event_id, received_at from posted
    on conflict (key) do nothing
    returning key
),
logged as (
    insert into event_log (
        workspace_id, received_at, event_id, source_id, event_time, original_time, kind, name, message_id,
        content_hash, is_conflict, imported, live, payload
    )
    select
        workspace_id, received_at, event_id, source_id, event_time, original_time, kind, name, message_id,
        content_hash, is_conflict, imported, live, payload
    from posted join taken using (key)
),
queued as (
    insert into ingest_queue (workspace_id, event_id, received_at, evidence_only, replaces)
    select workspace_id, event_id, received_at, is_conflict, replaces
    from posted join taken using (key)
)
select key from taken
