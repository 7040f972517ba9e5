-- Entries off the queue in the order they came; others skip what is claimed here. Index: ingest_queue_pkey.
-- A copy that took the place of another is the event only while that other one is still unread; afterwards the other
-- has been published, and this one counts as evidence.
with claimed as (
    delete from ingest_queue
    where entry_no in (select entry_no from ingest_queue order by entry_no limit :limit for update skip locked)
    returning entry_no, workspace_id, event_id, received_at, evidence_only, replaces
)
select
    workspace_id, event_id, received_at,
    evidence_only or (
        replaces is not null and not exists (select from ingest_queue q where q.event_id = claimed.replaces)
    ) as evidence_only
from claimed
order by entry_no
