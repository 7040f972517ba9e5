-- Take timers that were claimed before and let go again, as far as nobody has touched them since.
select t.run_id, t.workspace_id, coalesce(t.planned_at, t.due_at) as planned_at, t.attempts,
       coalesce(w.driven_now, clock_timestamp()) as now, w.timezone
from unnest(:run_ids::uuid[], :planned::timestamptz[]) as k(run_id, planned_at)
join run_timer t on t.run_id = k.run_id and coalesce(t.planned_at, t.due_at) = k.planned_at
join workspace w on w.workspace_id = t.workspace_id
where w.status = 'active' and not w.held and t.due_at <= coalesce(w.driven_now, clock_timestamp())
  and (t.leased_until is null or t.leased_until < clock_timestamp())
order by t.run_id
for update of t skip locked
