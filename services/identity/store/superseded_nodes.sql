-- Those identifiers that anything ever superseded. Indexes: link_replaced_low, link_replaced_high, two probes each; as
-- `exists ... or exists ...` all links of the workspace are read instead.
select wanted.workspace_id, wanted.node_no
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
cross join lateral (
    select 1 from link l
    where l.workspace_id = wanted.workspace_id and l.low_no = wanted.node_no and l.replaced_low_at is not null
    union all
    select 1 from link l
    where l.workspace_id = wanted.workspace_id and l.high_no = wanted.node_no and l.replaced_high_at is not null
    limit 1
) as replaced
