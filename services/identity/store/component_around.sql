-- The raw component around nodes as far as `:most` nodes: links and ends, neither hubs nor links that wait for a
-- decision about a rate walked through.
-- Links first, then their far ends (`offset 0`): of tables that were never analysed the planner took every node with every
-- reached one, 20 s for 300 nodes. Indexes: link_pkey, link_high, node_pkey.
with recursive reached (node_no, is_shared) as (
    select node_no, is_shared from node where workspace_id = :workspace_id and node_no = any(:node_nos::int[])
    union
    select n.node_no, n.is_shared
    from reached r
    join lateral (
        select l.high_no as far from link l
        where l.workspace_id = :workspace_id and l.low_no = r.node_no and l.state is not null
            and l.reason not in ('rate', 'source_rate')
        union all
        select l.low_no from link l
        where l.workspace_id = :workspace_id and l.high_no = r.node_no and l.state is not null
            and l.reason not in ('rate', 'source_rate')
    ) ends on not r.is_shared
    cross join lateral (
        select f.node_no, f.is_shared from node f
        where f.workspace_id = :workspace_id and f.node_no = ends.far
        offset 0
    ) n
)
select node_no from reached limit :most
