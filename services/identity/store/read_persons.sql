-- Persons by number. `offset 0` has the numbers lead: told of few persons, the planner began with all of the workspace.
-- Index: person_pkey, one probe a person.
select found.*
from unnest(:workspace_ids::int[], :person_nos::int[]) as wanted (workspace_id, person_no)
cross join lateral (
    select * from person p where p.workspace_id = wanted.workspace_id and p.person_no = wanted.person_no offset 0
) found
