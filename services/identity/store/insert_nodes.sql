-- New identifiers in the order of their hashes; one that another transaction is inserting waits for it and falls out,
-- and so does one that was erased. Indexes: node_lookup, tombstone_pkey.
insert into node (workspace_id, node_no, lookup, namespace, scope, sealed)
select workspace_id, node_no, lookup, namespace, scope, sealed
from unnest(
    :workspace_ids::int[], :node_nos::int[], :lookups::bytea[], :namespaces::text[], :scopes::text[], :sealed::bytea[]
) as posted (workspace_id, node_no, lookup, namespace, scope, sealed)
where not exists (
    select from tombstone t where t.workspace_id = posted.workspace_id and t.lookup = posted.lookup
)
on conflict (workspace_id, lookup) do nothing
returning workspace_id, node_no
