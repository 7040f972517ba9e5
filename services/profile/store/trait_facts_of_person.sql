-- The facts behind one person's traits. Plan: ownership_by_person -> primary key of trait_fact.
select f.trait, f.event_id, f.subject_no, f.source_id, f.event_time, f.kind, f.type, f.value, f.sealed
from ownership o
join trait_fact f on f.workspace_id = o.workspace_id and f.subject_no = o.subject_no
    and f.event_time >= o.valid_from and f.event_time < o.valid_to
where o.workspace_id = :workspace_id and o.person_no = :person_no and (:trait::text is null or f.trait = :trait)
order by f.trait, f.event_time desc, f.event_id
