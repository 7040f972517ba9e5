-- The views of (person, trait) pairs. Primary key of trait_view.
select v.workspace_id, v.person_no, v.trait, v.type, v.value::text as value, v.sealed, v.personal, v.since, v.latest,
    v.source_id, v.subject_no, v.event_id, v.once, v.conflicts, v.received_at, v.version
from trait_view v
join unnest(:workspace_ids::int[], :person_nos::int[], :traits::text[]) k (workspace_id, person_no, trait)
    using (workspace_id, person_no, trait)
