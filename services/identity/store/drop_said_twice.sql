-- Facts that are there under another id as well, dropped; their links count them once less. Index: evidence_pkey, link_pkey.
with dropped as (
    delete from evidence e
    using unnest(:event_ids::uuid[]) as posted (event_id)
    where e.workspace_id = :workspace_id and e.event_id = posted.event_id and e.part = 0
    returning e.event_id, e.first_received_at, e.node_nos, e.consent_basis
), counted as (
    update link l
    set evidence_count = greatest(l.evidence_count - 1, 1)
    from dropped d
    where l.workspace_id = :workspace_id and l.low_no = least(d.node_nos[1], d.node_nos[2])
        and l.high_no = greatest(d.node_nos[1], d.node_nos[2]) and l.basis = coalesce(d.consent_basis, '')
)
select event_id, first_received_at from dropped
