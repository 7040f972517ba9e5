-- Take the due timers of each workspace, at most :share of each: nobody's million starves another's hundred.
-- A wait that ends is taken once everything received before it is known to be applied (the workspace's mark); with a
-- driven clock that is so by itself. Locked rows are another worker's. Plan: one range of run_timer_due a workspace.
select t.run_id, t.workspace_id, coalesce(t.planned_at, t.due_at) as planned_at, t.attempts, w.now, w.timezone
from (
    select workspace_id, timezone, coalesce(driven_now, clock_timestamp()) as now,
           case when driven_now is null then k.mark else 'infinity' end as mark
    from workspace
    left join unnest(:workspace_ids::int[], :marks::timestamptz[]) as k(workspace_id, mark) using (workspace_id)
    where status = 'active' and not held and workspace_id <> all(:resting::int[])
) w
cross join lateral (
    select run_id, workspace_id, due_at, planned_at, attempts
    from run_timer t
    where t.workspace_id = w.workspace_id and t.due_at <= w.now
      and (not t.on_time or t.due_at <= w.mark)
      and (t.leased_until is null or t.leased_until < clock_timestamp())
    order by t.due_at
    limit :share
    for update skip locked
) t
