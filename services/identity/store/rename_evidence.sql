-- Ids in the place of others, one part each, under the locks of both identifiers. Where the same was said under the new id meanwhile it is
-- one fact by now (drop_said_twice.sql), which keeps the earlier arrival. Index: evidence_pkey.
update evidence e
set event_id = posted.new_id, first_received_at = least(e.first_received_at, posted.received_at)
from unnest(:old_ids::uuid[], :new_ids::uuid[], :received_ats::timestamptz[]) as posted (old_id, new_id, received_at)
where e.workspace_id = :workspace_id and e.event_id = posted.old_id and e.part = 0
