-- The states of pairs. Index: link_pkey, one probe a pair.
select l.workspace_id, l.low_no, l.high_no, l.basis, l.state
from unnest(:workspace_ids::text::int[], :lows::text::int[], :highs::text::int[]) as wanted (workspace_id, low_no, high_no)
join link l on l.workspace_id = wanted.workspace_id and l.low_no = wanted.low_no and l.high_no = wanted.high_no
