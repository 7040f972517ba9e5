-- Evidence that names any of some nodes: centred on nodes near them, or naming them without a link.
-- Indexes: evidence_centre, evidence_loose.
select distinct on (e.event_time, e.event_id, e.part)
    e.workspace_id, e.event_id, e.part, e.source_id, e.kind, e.tier, e.event_time, e.first_received_at, e.rule_version,
    e.consent_basis, e.node_nos, e.centre_no, e.author, e.is_loose
from (
    select f.* from unnest(:centre_nos::int[]) as centre (centre_no)
    join evidence f on f.workspace_id = :workspace_id and f.centre_no = centre.centre_no
    where f.node_nos && :node_nos::int[]
    union all
    select f.* from evidence f
    where f.workspace_id = :workspace_id and f.is_loose and f.node_nos && :node_nos::int[]
) as e
order by e.event_time, e.event_id, e.part
