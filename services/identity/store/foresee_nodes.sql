-- What a preview asks of identifiers by number. Index: node_pkey, one probe an identifier.
select n.node_no, n.namespace, n.is_shared, coalesce(n.permissions <> '{}', false) as spoken
from unnest(:node_nos::int[]) as wanted (node_no)
join node n on n.workspace_id = :workspace_id and n.node_no = wanted.node_no
