-- Where the redirects of persons end. Primary key of person, one step a redirect; 50 steps bound a broken chain.
with recursive walk (asked, person_no, depth) as (
    select asked, asked, 0 from unnest(:person_nos::int[]) asked
    union all
    select w.asked, p.redirect_to, w.depth + 1
    from walk w
    join person p on p.workspace_id = :workspace_id and p.person_no = w.person_no
    where p.state = 'merged' and p.redirect_to is not null and w.depth < 50
)
select distinct on (w.asked) w.asked, p.person_no, p.person_id, p.state
from walk w
join person p on p.workspace_id = :workspace_id and p.person_no = w.person_no
order by w.asked, w.depth desc
