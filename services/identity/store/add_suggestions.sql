-- Add pairs; one that is known keeps what was decided, and an open one takes a newer score. Index: suggestion_pair.
insert into suggestion as s (
    workspace_id, suggestion_id, low_no, high_no, origin, reason, score, waterfall, link_low, link_high, created_at
)
select workspace_id, suggestion_id, low_no, high_no, origin, reason, score, waterfall::jsonb, link_low, link_high, at
from unnest(
    :workspace_ids::int[], :suggestion_ids::uuid[], :lows::int[], :highs::int[], :origins::text[], :reasons::text[],
    :scores::float8[], :waterfalls::text[], :link_lows::int[], :link_highs::int[], :ats::timestamptz[]
) as found (
    workspace_id, suggestion_id, low_no, high_no, origin, reason, score, waterfall, link_low, link_high, at
)
on conflict (workspace_id, low_no, high_no) do update set
    score = coalesce(excluded.score, s.score),
    waterfall = case when excluded.score is null then s.waterfall else excluded.waterfall end
where s.state = 'open' and excluded.score is distinct from s.score and excluded.score is not null
returning s.suggestion_id
