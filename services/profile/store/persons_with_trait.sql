-- The next persons with facts about a trait, for the walk after a rule changed. Plan: ownership_by_person in order,
-- one probe of trait_fact's primary key an identifier.
select distinct o.person_no
from ownership o
where o.workspace_id = :workspace_id and o.person_no > :after_person_no
  and exists (
    select from trait_fact f
    where f.workspace_id = o.workspace_id and f.subject_no = o.subject_no and f.trait = :trait
  )
order by o.person_no
limit :limit
