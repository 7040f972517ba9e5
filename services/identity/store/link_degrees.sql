-- How many links touch nodes, counted no further than `:most` from either end. Indexes: link_pkey, link_high.
select wanted.workspace_id, wanted.node_no, low.count + high.count as degree
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
cross join lateral (
    select count(*) from (
        select from link l where l.workspace_id = wanted.workspace_id and l.low_no = wanted.node_no limit :most
    ) few
) low
cross join lateral (
    select count(*) from (
        select from link l where l.workspace_id = wanted.workspace_id and l.high_no = wanted.node_no limit :most
    ) few
) high
