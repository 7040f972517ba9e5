-- What joined too many and waits for a decision, with its links. Indexes: stray_identifier_pkey, held_link_pkey,
-- held_link_high.
select s.node_no, s.source_id, s.held_at, (
    select count(*) from held_link h
    where h.workspace_id = s.workspace_id and (h.low_no = s.node_no or h.high_no = s.node_no)
        and h.cause_no = s.node_no and h.source_id = s.source_id and h.state = 'held'
) as links
from stray_identifier s
where s.workspace_id = :workspace_id and s.state = 'open' and (s.node_no, s.source_id) > (:node_no, :source_id)
order by s.node_no, s.source_id
limit :row_limit
