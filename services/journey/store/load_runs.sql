-- The runs of claimed timers. Locked: merges and publishing wait for the engine, and the engine for them.
-- Alone in its statement: joined with their journeys, the planner would read all runs of these. Plan: run_pkey.
select r.run_id, r.workspace_id, r.journey_id, r.version, r.person_no, r.person_id, r.entry_event_id, r.entry_time,
       r.node, r.visit, r.arriving, r.arrived_at, r.visits, r.context::text as context, r.sealed, r.zone, r.arm,
       r.sequence, r.entered_as, r.subject_no
from run r
where r.run_id = any(:run_ids::uuid[]) and r.live
for update
