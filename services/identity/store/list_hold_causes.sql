-- What joined too many and waits for a decision, with its links: sources by themselves (number 0), then identifiers by
-- source. The page is chosen first, sources from one to the next, so that only what is on it is counted.
-- Indexes: held_link_throttled, stray_identifier_pkey, held_link_pkey, held_link_high.
with recursive source (source_id) as (
    (select h.source_id from held_link h
    where :node_no = 0 and h.workspace_id = :workspace_id and h.state = 'throttled' and h.source_id > :source_id
    order by h.source_id limit 1)
    union all
    select (
        select h.source_id from held_link h
        where h.workspace_id = :workspace_id and h.state = 'throttled' and h.source_id > s.source_id
        order by h.source_id limit 1
    )
    from source s
    where s.source_id is not null
), page as (
    (select 0 as node_no, s.source_id, null::timestamptz as held_at
    from source s where s.source_id is not null
    limit :row_limit)
    union all
    (select s.node_no, s.source_id, s.held_at from stray_identifier s
    where s.workspace_id = :workspace_id and s.state = 'open' and (s.node_no, s.source_id) > (:node_no, :source_id)
    order by s.node_no, s.source_id
    limit :row_limit)
    order by node_no, source_id
    limit :row_limit
)
select nullif(page.node_no, 0) as node_no, page.source_id, counted.held_at, counted.links
from page
cross join lateral (
    select max(h.held_at) as held_at, count(*) as links from held_link h
    where page.node_no = 0 and h.workspace_id = :workspace_id and h.state = 'throttled'
        and h.source_id = page.source_id
    having page.node_no = 0
    union all
    select page.held_at, count(*) from held_link h
    where page.node_no > 0 and h.workspace_id = :workspace_id
        and (h.low_no = page.node_no or h.high_no = page.node_no)
        and h.cause_no = page.node_no and h.source_id = page.source_id and h.state = 'held'
    having page.node_no > 0
) counted
order by page.node_no, page.source_id
