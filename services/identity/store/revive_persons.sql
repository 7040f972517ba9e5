-- Merged persons come back, and every id that had ended in one of them before leads to him again.
-- Indexes: person_pkey, person_merged.
with recursive returning_ as (
    select *
    from unnest(:workspace_ids::int[], :person_nos::int[], :recorded_ats::timestamptz[])
        as posted (workspace_id, person_no, recorded_at)
),
logged as (
    insert into person_redirect (workspace_id, from_no, graph_version, to_no, recorded_at)
    select workspace_id, person_no, :version, 0, recorded_at from returning_
    on conflict (workspace_id, from_no, graph_version) do update set to_no = 0
),
followers (workspace_id, person_no, leader) as (
    select p.workspace_id, p.person_no, r.person_no
    from returning_ r
    join person p on p.workspace_id = r.workspace_id and p.merged_into = r.person_no and p.state = 'merged'
    where not exists (
        select from returning_ x where x.workspace_id = p.workspace_id and x.person_no = p.person_no
    )
    union
    select p.workspace_id, p.person_no, f.leader
    from followers f
    join person p on p.workspace_id = f.workspace_id and p.merged_into = f.person_no and p.state = 'merged'
    where not exists (
        select from returning_ r where r.workspace_id = p.workspace_id and r.person_no = p.person_no
    )
),
moved as (
    select workspace_id, person_no, leader from followers
    union all
    select workspace_id, person_no, 0 from returning_
)
update person p
set state = case when moved.leader = 0 then 'active' else p.state end,
    merged_into = case when moved.leader = 0 then null else p.merged_into end,
    redirect_to = nullif(moved.leader, 0),
    graph_version = :version
from moved
where p.workspace_id = moved.workspace_id and p.person_no = moved.person_no and p.state = 'merged'
returning p.workspace_id, p.person_no
