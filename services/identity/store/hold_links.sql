-- Links kept out. What somebody let go stays let go, also while it is too large: then it keeps who did so and when.
-- What nobody let go may come to be held when it was too large. Index: held_link_pkey.
insert into held_link as h (
    workspace_id, low_no, high_no, hold_id, state, reason, cause_no, source_id, held_at
)
select workspace_id, low_no, high_no, hold_id, state, reason, cause_no, source_id, held_at
from unnest(
    :workspace_ids::int[], :lows::int[], :highs::int[], :hold_ids::uuid[], :states::text[], :reasons::text[],
    :causes::int[], :source_ids::int[], :held_ats::timestamptz[]
) as found (workspace_id, low_no, high_no, hold_id, state, reason, cause_no, source_id, held_at)
on conflict (workspace_id, low_no, high_no) do update set
    hold_id = excluded.hold_id, state = excluded.state, reason = excluded.reason, cause_no = excluded.cause_no,
    source_id = excluded.source_id, held_at = excluded.held_at,
    decided_at = case when h.state = 'free' then h.decided_at end, author = case when h.state = 'free' then h.author end
where h.state = 'thrown_away'
    or (h.state = 'oversized' and h.decided_at is null and excluded.state in ('held', 'throttled'))
    or (h.state = 'free' and excluded.state = 'oversized')
