-- The links by which identifiers were superseded. Indexes: link_replaced_low, link_replaced_high, two probes each.
select l.workspace_id, l.low_no, l.high_no
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join link l on l.workspace_id = wanted.workspace_id and l.low_no = wanted.node_no and l.replaced_low_at is not null
union all
select l.workspace_id, l.low_no, l.high_no
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join link l on l.workspace_id = wanted.workspace_id and l.high_no = wanted.node_no and l.replaced_high_at is not null
