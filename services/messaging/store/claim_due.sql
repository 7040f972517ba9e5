-- Takes due work, an equal share for every workspace and lane that has some, so that a million rows of one do not make
-- another's hundred wait. Plan: a skip over intent_queue_due (workspace_id, step, lane, due_at) per workspace and lane.
with active as (
    select w.workspace_id, lane, coalesce(w.driven_now, clock_timestamp()) as present
    from workspace w
    cross join (values (0), (1)) as lanes(lane)
    where not w.held
      and w.status = 'active'
      and exists (
          select from intent_queue q
          where q.workspace_id = w.workspace_id
            and q.step = :step
            and q.lane = lanes.lane
            and q.due_at <= coalesce(w.driven_now, clock_timestamp())
            and q.available_at <= clock_timestamp()
      )
), picked as (
    select p.workspace_id, p.intent_id
    from active a
    cross join lateral (
        select q.workspace_id, q.intent_id
        from intent_queue q
        where q.workspace_id = a.workspace_id
          and q.step = :step
          and q.lane = a.lane
          and q.due_at <= a.present
          and q.available_at <= clock_timestamp()
        order by q.due_at
        limit (select greatest(:size::bigint / count(*), 1) from active)
        for update skip locked
    ) p
)
update intent_queue q
set available_at = clock_timestamp() + make_interval(secs => :lease_seconds)
from picked p
where q.workspace_id = p.workspace_id
  and q.intent_id = p.intent_id
returning q.workspace_id, q.intent_id, q.due_at, q.available_at as lease
