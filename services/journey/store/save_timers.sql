-- Arm the timers of runs that go on; `lease_seconds` keeps others off until a question is answered or a pause is over.
update run_timer t set
    due_at = k.due_at, planned_at = k.planned_at, on_time = k.on_time, attempts = k.attempts,
    leased_until = clock_timestamp() + k.lease_seconds * interval '1 second'
from unnest(:run_ids::uuid[], :dues::timestamptz[], :planned::timestamptz[], :on_time::boolean[],
            :attempts::int[], :leases::float8[])
     as k(run_id, due_at, planned_at, on_time, attempts, lease_seconds)
where t.run_id = k.run_id
returning t.run_id, t.leased_until
