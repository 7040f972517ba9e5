-- Links that touch nodes, from either end. Indexes: link_pkey (low end), link_high.
select l.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join link l on l.workspace_id = wanted.workspace_id and l.low_no = wanted.node_no
union all
select l.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join link l on l.workspace_id = wanted.workspace_id and l.high_no = wanted.node_no
