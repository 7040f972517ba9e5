-- Proves, with the rows locked, which claims are still ours: the lease is the one we got, and the person is the same.
select q.intent_id
from unnest(:intent_ids::uuid[], :leases::timestamptz[], :person_nos::int[]) as c(intent_id, lease, person_no)
join intent_queue q on q.workspace_id = :workspace_id and q.intent_id = c.intent_id and q.available_at = c.lease
join intent i on i.workspace_id = :workspace_id and i.intent_id = c.intent_id and i.person_no = c.person_no
where q.step = 'send'
for update of q
