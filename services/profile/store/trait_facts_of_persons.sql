-- Every fact of (person, trait) pairs. Plan: pairs -> ownership_by_person -> primary key of trait_fact.
select f.workspace_id, o.person_no, f.trait, f.event_id, f.subject_no, f.source_id, f.event_time, f.kind, f.type,
    f.value, f.sealed
from unnest(:workspace_ids::int[], :person_nos::int[], :traits::text[]) k (workspace_id, person_no, trait)
join ownership o on o.workspace_id = k.workspace_id and o.person_no = k.person_no
join trait_fact f on f.workspace_id = o.workspace_id and f.subject_no = o.subject_no and f.trait = k.trait
    and f.event_time >= o.valid_from and f.event_time < o.valid_to
