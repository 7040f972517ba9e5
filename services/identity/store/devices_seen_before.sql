-- Devices with evidence of their own that is older than a time, or a log-out: it says what a hold does not.
-- Index: evidence_centre, as far as the first row that fits.
select wanted.workspace_id, wanted.node_no
from unnest(:workspace_ids::int[], :node_nos::int[], :befores::timestamptz[]) as wanted (workspace_id, node_no, before)
where exists (
    select from evidence e
    where e.workspace_id = wanted.workspace_id and e.centre_no = wanted.node_no
      and (e.event_time < wanted.before or e.kind = 'logout')
)
