-- The persons that redirect to each root, the root included. Index person_by_redirect.
with recursive walk (root, person_no, depth) as (
    select root, root, 0 from unnest(:person_nos::int[]) root
    union all
    select w.root, p.person_no, w.depth + 1
    from walk w
    join person p on p.workspace_id = :workspace_id and p.redirect_to = w.person_no
    where p.state = 'merged' and w.depth < 50
)
select distinct root, person_no from walk
