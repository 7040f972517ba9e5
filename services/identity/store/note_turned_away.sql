-- Notes for the debugger. Index: turned_away_pkey.
insert into turned_away (
    workspace_id, source_id, note_id, received_at, outcome, kind, name, message_id, reason, pointer
)
select *
from unnest(
    :workspace_ids::int[], :source_ids::int[], :note_ids::uuid[], :received_ats::timestamptz[], :outcomes::text[],
    :kinds::text[], :names::text[], :message_ids::text[], :reasons::text[], :pointers::text[]
)
