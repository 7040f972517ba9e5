-- Identifiers by number, locked where nobody else holds them. Index: node_pkey, one probe an identifier.
select n.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join node n on n.workspace_id = wanted.workspace_id and n.node_no = wanted.node_no
order by n.workspace_id, n.node_no
for no key update of n skip locked
