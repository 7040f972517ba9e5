-- Calls that could not be taken; an import that is run again finds its rows here already. Index: quarantine_by_row.
insert into quarantine (
    workspace_id, quarantine_id, source_id, received_at, kind, name, message_id, reason, pointer, detail, payload,
    import_id, row_no
)
select *
from unnest(
    :workspace_ids::int[], :quarantine_ids::uuid[], :source_ids::int[], :received_ats::timestamptz[], :kinds::text[],
    :names::text[], :message_ids::text[], :reasons::text[], :pointers::text[], :details::text[], :payloads::bytea[],
    :import_ids::uuid[], :row_nos::bigint[]
)
on conflict (import_id, row_no) where import_id is not null do nothing
