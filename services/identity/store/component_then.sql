-- What claims up to a time connect to nodes, as far as `:most` nodes. Nothing younger is looked at: not even what is a
-- hub today. An identifier with more than `:crowd` links by then, of other than the `:spacious` namespaces, is not walked
-- through; its hashes do not count, they are dated before everything. Indexes: link_pkey, link_high, node_pkey.
with recursive reached (node_no) as (
    select asked.node_no from unnest(:node_nos::int[]) as asked (node_no)
    union
    select ends.far
    from reached r
    join node n on n.workspace_id = :workspace_id and n.node_no = r.node_no
    cross join lateral (
        select count(*) as links from (
            (select from link l where l.workspace_id = :workspace_id and l.low_no = n.node_no
                and l.first_at <= :at::timestamptz and not l.sources @> array[:twin::int] limit :crowd::int + 1)
            union all
            (select from link l where l.workspace_id = :workspace_id and l.high_no = n.node_no
                and l.first_at <= :at::timestamptz and not l.sources @> array[:twin::int] limit :crowd::int + 1)
        ) counted
    ) degree
    join lateral (
        select l.high_no as far from link l
        where l.workspace_id = :workspace_id and l.low_no = n.node_no and l.first_at <= :at::timestamptz
        union all
        select l.low_no from link l
        where l.workspace_id = :workspace_id and l.high_no = n.node_no and l.first_at <= :at::timestamptz
    ) ends on degree.links <= :crowd::int or n.namespace = any(:spacious::text[])
)
select n.node_no, degree.links > :crowd::int and n.namespace <> all(:spacious::text[]) as is_crowded
from (select node_no from reached limit :most) found
join node n on n.workspace_id = :workspace_id and n.node_no = found.node_no
cross join lateral (
    select count(*) as links from (
        (select from link l where l.workspace_id = :workspace_id and l.low_no = n.node_no
            and l.first_at <= :at::timestamptz and not l.sources @> array[:twin::int] limit :crowd::int + 1)
        union all
        (select from link l where l.workspace_id = :workspace_id and l.high_no = n.node_no
            and l.first_at <= :at::timestamptz and not l.sources @> array[:twin::int] limit :crowd::int + 1)
    ) counted
) degree
