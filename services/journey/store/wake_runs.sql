-- Let runs that listen be looked at now. The timers are locked first and the nodes read afterwards (a second
-- statement): a run that is moving meanwhile is seen where it comes to rest.
update run_timer t set due_at = k.now, on_time = false
from unnest(:run_ids::uuid[], :nows::timestamptz[]) as k(run_id, now)
where t.run_id = k.run_id and t.due_at > k.now
