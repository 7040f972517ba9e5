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
select l.*
from glance
join link l on l.workspace_id = :workspace_id and l.low_no = glance.low_no and l.high_no = glance.high_no
where l.reason not in ('rate', 'source_rate')
