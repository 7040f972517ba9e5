-- The outcome of pairs, the same for all their bases. Index: link_pkey.
update link l
set state = posted.state, reason = posted.reason, blocker_low = posted.blocker_low, blocker_high = posted.blocker_high
from unnest(
    :workspace_ids::int[], :lows::int[], :highs::int[], :states::text[], :reasons::text[], :blocker_lows::int[],
    :blocker_highs::int[]
) as posted (workspace_id, low_no, high_no, state, reason, blocker_low, blocker_high)
where l.workspace_id = posted.workspace_id and l.low_no = posted.low_no and l.high_no = posted.high_no
