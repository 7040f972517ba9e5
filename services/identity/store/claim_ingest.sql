-- Entries off the queue in the order they came; others skip what is claimed here. Index: ingest_queue_pkey.
-- `predecessor_waits`: the copy whose place this one took is unread, in the hands of another worker.
with claimed as (
    delete from ingest_queue
    where entry_no = any (array(select entry_no from ingest_queue order by entry_no limit :limit for update skip locked))
    returning entry_no, workspace_id, event_id, received_at, evidence_only, replaces
)
select
    workspace_id, event_id, received_at, evidence_only, replaces,
    replaces is not null and exists (
        select from ingest_queue q
        where q.event_id = claimed.replaces and q.entry_no not in (select c.entry_no from claimed c)
    ) as predecessor_waits
from claimed
order by entry_no
