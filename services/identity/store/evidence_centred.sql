-- Evidence by the middle of its star. Index: evidence_centre.
select
    e.workspace_id, e.event_id, e.part, e.source_id, e.kind, e.tier, e.event_time, e.first_received_at, e.rule_version,
    e.consent_basis, e.node_nos, e.centre_no, e.author, e.is_loose
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
join evidence e on e.workspace_id = wanted.workspace_id and e.centre_no = wanted.node_no
order by e.workspace_id, e.event_time, e.event_id, e.part
