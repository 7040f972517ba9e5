-- Look at the waiting runs of a journey again, the most overdue first, :rate a second: never a burst.
with ordered as (
    select t.run_id, (row_number() over (order by coalesce(t.planned_at, t.due_at), t.run_id) - 1) / :rate::int as second
    from run_timer t
    join run r on r.run_id = t.run_id
    where r.workspace_id = :workspace_id and r.journey_id = :journey_id and r.live
      and (not :parked_only or t.planned_at is not null)
)
update run_timer t set due_at = least(t.due_at, :now::timestamptz + o.second * interval '1 second')
from ordered o
where t.run_id = o.run_id
