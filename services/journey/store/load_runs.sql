-- The runs of claimed timers. Locked: merges and publishing wait for the engine, and the engine for them.
select r.run_id, r.workspace_id, r.journey_id, r.version, r.person_no, r.person_id, r.entry_event_id, r.entry_time,
       r.state, r.node, r.visit, r.arriving, r.arrived_at, r.visits, r.context::text as context, r.sealed, r.zone,
       r.arm, r.sequence, r.converted_at, j.status, j.name as journey_name
from unnest(:run_ids::uuid[]) as k(run_id)
join run r using (run_id)
join journey j using (workspace_id, journey_id)
where r.live
for update of r
