-- Some links of a crowded identifier, no more than `:most` from either end. Indexes: link_pkey, link_high.
(
    select * from link l
    where l.workspace_id = :workspace_id and l.low_no = :node_no and l.reason not in ('rate', 'source_rate') limit :most
)
union all
(
    select * from link l
    where l.workspace_id = :workspace_id and l.high_no = :node_no and l.reason not in ('rate', 'source_rate') limit :most
)
