-- Links that touch nodes, from either end; of those that wait for a decision about a rate only the ones that keep
-- two apart, unless all are wanted. Indexes: link_pkey (low end), link_high.
select l.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join link l on l.workspace_id = wanted.workspace_id and l.low_no = wanted.node_no
where :held or l.reason not in ('rate', 'source_rate') or l.cannot_at is not null
union all
select l.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join link l on l.workspace_id = wanted.workspace_id and l.high_no = wanted.node_no
where :held or l.reason not in ('rate', 'source_rate') or l.cannot_at is not null
