-- Proves, with the queue rows locked, which claims are still ours: the lease is the one we got.
select q.intent_id, i.person_no
from unnest(:intent_ids::uuid[], :leases::timestamptz[]) as c(intent_id, lease)
join intent_queue q on q.workspace_id = :workspace_id and q.intent_id = c.intent_id and q.available_at = c.lease
join intent i on i.workspace_id = :workspace_id and i.intent_id = c.intent_id
where q.step = 'send'
for update of q
