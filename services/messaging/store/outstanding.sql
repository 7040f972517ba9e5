-- What is due by step (counted up to ten thousand, so that a full queue does not make asking dear), and what is due next.
-- Plan: per step and lane a range of intent_queue_due, and its next row.
select
    s.step,
    sum(d.due)::bigint as due,
    min(n.due_at) as next_due,
    (select count(*) from withdrawal_queue w where w.workspace_id = :workspace_id) as withdrawals
from (values ('send'), ('handoff'), ('fallback')) as s(step)
cross join (values (0::smallint), (1::smallint)) as l(lane)
cross join lateral (
    select count(*) as due
    from (
        select from intent_queue q
        where q.workspace_id = :workspace_id and q.step = s.step and q.lane = l.lane and q.due_at <= :now
        limit 10000
    ) counted
) d
left join lateral (
    select q.due_at from intent_queue q
    where q.workspace_id = :workspace_id and q.step = s.step and q.lane = l.lane and q.due_at > :now
    order by q.due_at
    limit 1
) n on true
group by s.step
