-- Whose grants have ended; a held workspace's wait. Locks nothing: persons come first. Index consent_expiry_due.
select q.workspace_id, q.person_no
from consent_expiry q
join workspace w on w.workspace_id = q.workspace_id
where q.due_at <= coalesce(w.driven_now, clock_timestamp()) and not w.held
order by q.due_at
limit :limit
