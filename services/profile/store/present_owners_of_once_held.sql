-- Who owns now what these persons ever owned. Plan: ownership_fact_by_person -> primary key of ownership.
select distinct o.workspace_id, o.person_no
from unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no)
join ownership_fact f on f.workspace_id = k.workspace_id and f.person_no = k.person_no
join ownership o on o.workspace_id = f.workspace_id and o.subject_no = f.subject_no
where o.valid_to = '9999-12-31 00:00:00+00'
