-- Add pairs; one that is known keeps what was decided, and an open one takes a newer score, what else speaks for it and
-- the newest refused link. Index: suggestion_pair.
insert into suggestion as s (
    workspace_id, suggestion_id, low_no, high_no, origin, also, reason, score, waterfall, link_low, link_high, created_at
)
select
    workspace_id, suggestion_id, low_no, high_no, origin, string_to_array(also, ','), reason, score,
    waterfall::jsonb, link_low, link_high, at
from unnest(
    :workspace_ids::int[], :suggestion_ids::uuid[], :lows::int[], :highs::int[], :origins::text[], :alsos::text[],
    :reasons::text[], :scores::float8[], :waterfalls::text[], :link_lows::int[], :link_highs::int[],
    :ats::timestamptz[]
) as found (
    workspace_id, suggestion_id, low_no, high_no, origin, also, reason, score, waterfall, link_low, link_high, at
)
on conflict (workspace_id, low_no, high_no) do update set
    score = coalesce(excluded.score, s.score),
    waterfall = case when excluded.score is null then s.waterfall else excluded.waterfall end,
    link_low = coalesce(excluded.link_low, s.link_low),
    link_high = coalesce(excluded.link_high, s.link_high),
    also = array(
        select distinct one from unnest(s.also || excluded.also || excluded.origin) one where one <> s.origin order by 1
    )
where s.state = 'open' and (
    (excluded.score is not null and excluded.score is distinct from s.score)
    or not (excluded.also || excluded.origin) <@ (s.also || s.origin)
    or (excluded.link_low is not null
        and (excluded.link_low, excluded.link_high) is distinct from (s.link_low, s.link_high))
)
returning s.suggestion_id
