-- Plain evidence repeated for links that exist. Index: link_pkey; heap-only (no index holds what changes).
update link l
set seen_0 = greatest(l.seen_0, posted.seen_0),
    seen_1 = greatest(l.seen_1, posted.seen_1),
    seen_2 = greatest(l.seen_2, posted.seen_2),
    seen_3 = greatest(l.seen_3, posted.seen_3),
    first_at = least(l.first_at, posted.first_at),
    evidence_count = l.evidence_count + posted.evidence_count,
    sources = case
        when posted.source_id is not null and posted.source_id = any(l.sources) then l.sources
        else array(
            select distinct s
            from unnest(l.sources || coalesce(posted.more_sources::int[], array[posted.source_id])) s
            order by s
        )
    end
from unnest(
    :workspace_ids::int[], :lows::int[], :highs::int[], :bases::text[], :seen_0::timestamptz[], :seen_1::timestamptz[],
    :seen_2::timestamptz[], :seen_3::timestamptz[], :first_ats::timestamptz[], :counts::int[], :source_ids::int[],
    :more_sources::text[]
) as posted (
    workspace_id, low_no, high_no, basis, seen_0, seen_1, seen_2, seen_3, first_at, evidence_count, source_id,
    more_sources
)
where l.workspace_id = posted.workspace_id and l.low_no = posted.low_no and l.high_no = posted.high_no
    and l.basis = posted.basis
