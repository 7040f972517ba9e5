-- Calls that could not be taken, each to be looked through for erased persons; an import that is run again finds its
-- rows here already. Index: quarantine_by_row.
with kept as (
    insert into quarantine (
        workspace_id, quarantine_id, source_id, received_at, kind, name, message_id, reason, pointer, detail, payload,
        import_id, row_no
    )
    select *
    from unnest(
        :workspace_ids::int[], :quarantine_ids::uuid[], :source_ids::int[], :received_ats::timestamptz[],
        :kinds::text[], :names::text[], :message_ids::text[], :reasons::text[], :pointers::text[], :details::text[],
        :payloads::bytea[], :import_ids::uuid[], :row_nos::bigint[]
    )
    on conflict (import_id, row_no) where import_id is not null do nothing
    returning quarantine_id, workspace_id
)
insert into quarantine_queue (quarantine_id, workspace_id) select quarantine_id, workspace_id from kept
