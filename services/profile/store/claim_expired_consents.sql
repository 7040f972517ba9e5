-- Takes due expiries off the queue; a held workspace's wait. Index consent_expiry_due.
with due as (
    select q.workspace_id, q.person_no, q.due_at
    from consent_expiry q
    join workspace w on w.workspace_id = q.workspace_id
    where q.due_at <= coalesce(w.driven_now, clock_timestamp()) and not w.held
    order by q.due_at
    limit :limit
    for update of q skip locked
)
delete from consent_expiry q using due
where q.workspace_id = due.workspace_id and q.person_no = due.person_no and q.due_at = due.due_at
returning q.workspace_id, q.person_no
