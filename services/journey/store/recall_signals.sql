-- What was heard of the persons of some runs since they entered. Plan: one range of heard_pkey a run.
select k.run_id, h.event_id, h.name, h.at, h.properties::text as properties, h.sealed
from unnest(:run_ids::uuid[], :workspace_ids::int[], :person_nos::int[], :since::timestamptz[], :entry_events::uuid[])
     as k(run_id, workspace_id, person_no, since, entry_event)
join heard h on h.workspace_id = k.workspace_id and h.person_no = k.person_no and h.at >= k.since
where h.name = any(:names::text[]) and h.event_id is distinct from k.entry_event
