-- Pairs around identifiers as a preview walks them, from either end, all their bases together. `mine`: the source said
-- so and it counts, `recent`: nobody said so before a moment ago, `leads`: the region goes on there.
-- Indexes: link_pkey (low end), link_high.
with around as (
    select l.*
    from unnest(:node_nos::int[]) as wanted (node_no)
    join link l on l.workspace_id = :workspace_id and l.low_no = wanted.node_no
    union all
    select l.*
    from unnest(:node_nos::int[]) as wanted (node_no)
    join link l on l.workspace_id = :workspace_id and l.high_no = wanted.node_no
)
select l.low_no, l.high_no, bool_or(counts.yes and :source_id = any(l.sources)) as mine,
    coalesce(min(l.arrived_at) >= :since, false) as recent,
    bool_or(
        counts.yes and (:through_hubs or l.state is distinct from 'shared')
        and coalesce(l.seen_0, l.seen_1, l.seen_2, l.seen_3, l.seen_4) is not null
    ) as leads
from around l
cross join lateral (
    select l.state is distinct from 'quarantined' or l.reason not in ('rate', 'source_rate')
) as counts (yes)
group by l.low_no, l.high_no
