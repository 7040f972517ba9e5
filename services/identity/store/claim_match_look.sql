-- The look that is due by the clock of its workspace, in nobody's hands, and was in somebody's the longest ago: one that
-- goes on for hours keeps no other waiting. Index: match_look_due.
update match_look m set taken_until = :taken_until
where m.workspace_id = (
    select q.workspace_id
    from match_look q
    join workspace w on w.workspace_id = q.workspace_id
    where q.due_at <= coalesce(w.driven_now, clock_timestamp()) and not w.held and q.taken_until <= :wall
    order by q.taken_until, q.due_at
    limit 1
    for update of q skip locked
)
returning m.*
