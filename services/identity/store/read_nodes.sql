-- Identifiers by number. Index: node_pkey, one probe an identifier.
select
    n.workspace_id, n.node_no, n.lookup, n.namespace, n.scope, n.sealed, n.person_no, n.born_no, n.owner_version, n.best_tier,
    n.alone_at, n.is_shared, n.is_calm, n.permissions, n.holder_no, n.held_since, n.is_timed, n.anonymous_no
from unnest(:workspace_ids::text::int[], :node_nos::text::int[]) as wanted (workspace_id, node_no)
join node n on n.workspace_id = wanted.workspace_id and n.node_no = wanted.node_no
