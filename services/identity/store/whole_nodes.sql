-- Every identifier of a workspace, for COPY. Reads the table once.
select node_no, person_no, namespace, scope, is_shared::int, (withdrawn is not null)::int
from node
where workspace_id = :workspace_id
order by node_no
