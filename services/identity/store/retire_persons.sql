-- Persons end in a survivor, and so does every redirect that led to them: one hop, always.
-- Indexes: person_pkey, person_redirected.
with ending as (
    select *
    from unnest(:workspace_ids::int[], :ended::int[], :survivors::int[], :recorded_ats::timestamptz[])
        as posted (workspace_id, ended, survivor, recorded_at)
),
logged as (
    insert into person_redirect (workspace_id, from_no, graph_version, to_no, recorded_at)
    select workspace_id, ended, :version, survivor, recorded_at from ending
    on conflict (workspace_id, from_no, graph_version) do update set to_no = excluded.to_no
),
compressed as (
    update person p
    set redirect_to = ending.survivor
    from ending
    where p.workspace_id = ending.workspace_id and p.redirect_to = ending.ended
)
update person p
set state = 'merged', merged_into = ending.survivor, redirect_to = ending.survivor, graph_version = :version
from ending
where p.workspace_id = ending.workspace_id and p.person_no = ending.ended
