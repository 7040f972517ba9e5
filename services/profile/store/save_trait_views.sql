-- Keeps views; their persons are locked, so the last writer is the newest. Primary key of trait_view.
insert into trait_view (
    workspace_id, person_no, trait, type, value, sealed, personal, since, latest, source_id, subject_no, event_id,
    once, conflicts, received_at, version
)
select workspace_id, person_no, trait, type, value::jsonb, sealed, personal, since, latest, source_id, subject_no,
    event_id, once, conflicts, received_at, version
from unnest(
    :workspace_ids::int[], :person_nos::int[], :traits::text[], :types::text[], :clear::text[], :sealed::bytea[],
    :personal::boolean[], :since::timestamptz[], :latest::timestamptz[], :source_ids::int[], :subject_nos::int[],
    :event_ids::uuid[], :once::boolean[], :conflicts::int[], :received::timestamptz[], :versions::bigint[]
) as t (
    workspace_id, person_no, trait, type, value, sealed, personal, since, latest, source_id, subject_no, event_id,
    once, conflicts, received_at, version
)
on conflict (workspace_id, person_no, trait) do update set
    type = excluded.type, value = excluded.value, sealed = excluded.sealed, personal = excluded.personal,
    since = excluded.since, latest = excluded.latest, source_id = excluded.source_id,
    subject_no = excluded.subject_no, event_id = excluded.event_id, once = excluded.once,
    conflicts = excluded.conflicts, received_at = excluded.received_at, version = excluded.version
