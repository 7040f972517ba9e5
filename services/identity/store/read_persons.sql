-- Persons by number. Index: person_pkey.
select p.*
from unnest(:workspace_ids::int[], :person_nos::int[]) as wanted (workspace_id, person_no)
join person p on p.workspace_id = wanted.workspace_id and p.person_no = wanted.person_no
