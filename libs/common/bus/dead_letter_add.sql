-- Keep events that could not be handled. One open letter per consumer and event, however often it fails.
insert into dead_letter (dead_letter_id, workspace_id, consumer, subject, event_id, event, reason)
select l.dead_letter_id, l.workspace_id, :consumer, :subject, l.event_id, l.event, l.reason
from unnest(:dead_letter_ids::uuid[], :workspace_ids::int[], :event_ids::uuid[], :events::bytea[], :reasons::text[])
    as l (dead_letter_id, workspace_id, event_id, event, reason)
on conflict (consumer, event_id) where status = 'open'
    do update set reason = excluded.reason, attempts = dead_letter.attempts + 1
