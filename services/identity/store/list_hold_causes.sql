-- What joined too many and waits for a decision, with its links: sources by themselves (number 0), then identifiers by
-- source. Indexes: held_link_throttled, stray_identifier_pkey, held_link_pkey, held_link_high.
select nullif(found.node_no, 0) as node_no, found.source_id, found.held_at, found.links
from (
    select 0 as node_no, h.source_id, max(h.held_at) as held_at, count(*) as links
    from held_link h
    where h.workspace_id = :workspace_id and h.state = 'throttled'
    group by h.source_id
    union all
    select s.node_no, s.source_id, s.held_at, (
        select count(*) from held_link h
        where h.workspace_id = s.workspace_id and (h.low_no = s.node_no or h.high_no = s.node_no)
            and h.cause_no = s.node_no and h.source_id = s.source_id and h.state = 'held'
    )
    from stray_identifier s
    where s.workspace_id = :workspace_id and s.state = 'open' and (s.node_no, s.source_id) > (:node_no, :source_id)
) found
where (found.node_no, found.source_id) > (:node_no, :source_id)
order by found.node_no, found.source_id
limit :row_limit
