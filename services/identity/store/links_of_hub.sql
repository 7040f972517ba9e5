-- Some links of a crowded identifier, no more than `:most` from either end, each with all its bases: of a link that is
-- seen in part what was taken back would seem to hold. Indexes: link_pkey, link_high; a probe of link_pkey a link.
with glance as (
    (
        select low_no, high_no from link l
        where l.workspace_id = :workspace_id and l.low_no = :node_no and l.reason not in ('rate', 'source_rate')
        limit :most
    )
    union
    (
        select low_no, high_no from link l
        where l.workspace_id = :workspace_id and l.high_no = :node_no and l.reason not in ('rate', 'source_rate')
        limit :most
    )
)
select
    l.workspace_id, l.low_no, l.high_no, l.basis, l.state, l.reason, l.blocker_low, l.blocker_high,
    l.seen_0, l.seen_1, l.seen_2, l.seen_3, l.seen_4, l.void_0, l.void_1, l.void_2, l.void_3, l.void_4,
    l.retracted_at, l.must_at, l.cannot_at, l.replaced_low_at, l.replaced_high_at, l.logout_at,
    l.first_at, l.arrived_at, l.evidence_count, l.sources
from glance
join link l on l.workspace_id = :workspace_id and l.low_no = glance.low_no and l.high_no = glance.high_no
where l.reason not in ('rate', 'source_rate')
