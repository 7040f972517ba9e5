-- Take back the runs leased for a question, unless somebody else did.
select t.run_id, t.workspace_id, coalesce(t.planned_at, t.due_at) as planned_at, t.attempts,
       coalesce(w.driven_now, clock_timestamp()) as now, w.timezone
from unnest(:run_ids::uuid[], :leases::timestamptz[]) as k(run_id, lease)
join run_timer t on t.run_id = k.run_id and t.leased_until = k.lease
join workspace w on w.workspace_id = t.workspace_id
where w.status = 'active' and not w.held
order by t.run_id
for update of t skip locked
