-- Keep what some journey may ask for later; the same event again is a no-op.
insert into heard (workspace_id, person_no, at, event_id, subject_no, heard_as, name, properties, sealed, heard_at)
select h.workspace_id, h.person_no, h.at, h.event_id, h.subject_no, h.person_no, h.name, h.properties::json, h.sealed,
       clock_timestamp()
from unnest(
    :workspace_ids::int[], :person_nos::int[], :ats::timestamptz[], :event_ids::uuid[], :subject_nos::int[],
    :names::text[], :properties::text[], :sealed::text[]
) as h(workspace_id, person_no, at, event_id, subject_no, name, properties, sealed)
on conflict do nothing
