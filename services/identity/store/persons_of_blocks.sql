-- Who agrees in blocks, as far as `:row_limit` a block, as the persons they are now; nobody where one was erased.
-- Indexes: match_block_pkey, person_pkey.
select wanted.block, case when p.state = 'erased' then null else coalesce(p.redirect_to, p.person_no) end as living_no
from unnest(:blocks::bytea[]) as wanted (block)
cross join lateral (
    select b.person_no from match_block b
    where b.workspace_id = :workspace_id and b.block = wanted.block
    order by b.person_no
    limit :row_limit
) found
join person p on p.workspace_id = :workspace_id and p.person_no = found.person_no
