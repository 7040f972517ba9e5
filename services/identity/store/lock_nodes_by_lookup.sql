-- Identifiers by keyed hash, locked in the order of their numbers so that two workers cannot wait for each other.
-- Index: node_lookup, one probe an identifier.
select n.*
from unnest(:workspace_ids::int[], :lookups::bytea[]) as wanted (workspace_id, lookup)
join node n on n.workspace_id = wanted.workspace_id and n.lookup = wanted.lookup
order by n.workspace_id, n.node_no
for no key update of n
