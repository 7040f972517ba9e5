-- The raw component around nodes as far as `:most` nodes: links and ends, neither hubs nor links that wait for a
-- decision about their rate walked through.
-- Indexes: link_pkey, link_high, node_pkey.
with recursive reached (node_no, is_shared) as (
    select node_no, is_shared from node where workspace_id = :workspace_id and node_no = any(:node_nos::int[])
    union
    select n.node_no, n.is_shared
    from reached r
    join lateral (
        select l.high_no as far from link l
        where l.workspace_id = :workspace_id and l.low_no = r.node_no and l.state is not null and l.reason <> 'rate'
        union all
        select l.low_no from link l
        where l.workspace_id = :workspace_id and l.high_no = r.node_no and l.state is not null and l.reason <> 'rate'
    ) ends on not r.is_shared
    join node n on n.workspace_id = :workspace_id and n.node_no = ends.far
)
select node_no from reached limit :most
