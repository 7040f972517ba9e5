-- Links that wait: those named, those at some nodes, and those for the rate of some sources. Every arm walks an index of
-- its own and ends by itself; of one `or` over all of them the plan would be to filter whatever was ever held. Indexes:
-- held_link_by_id, held_link_pkey, held_link_high, held_link_throttled.
select low_no, high_no
from (
    select h.low_no, h.high_no from held_link h
    where h.workspace_id = :workspace_id and h.hold_id = any(:hold_ids::uuid[])
        and h.state in ('held', 'throttled', 'oversized')
    union
    (select h.low_no, h.high_no from held_link h
    where h.workspace_id = :workspace_id and h.low_no = any(:node_nos::int[])
        and h.state in ('held', 'throttled', 'oversized')
    order by h.low_no, h.high_no limit :row_limit)
    union
    (select h.low_no, h.high_no from held_link h
    where h.workspace_id = :workspace_id and h.high_no = any(:node_nos::int[])
        and h.state in ('held', 'throttled', 'oversized')
    order by h.high_no limit :row_limit)
    union
    (select h.low_no, h.high_no from held_link h
    where h.workspace_id = :workspace_id and h.source_id = any(:source_ids::int[]) and h.state = 'throttled'
    order by h.source_id limit :row_limit)
) waiting
order by low_no, high_no
limit :row_limit
