-- Evidence, once per event id and part. Index: evidence_pkey (ids grow with time, so it is written at its right edge).
insert into evidence (
    workspace_id, event_id, part, source_id, kind, tier, event_time, first_received_at, rule_version, consent_basis, node_nos,
    centre_no, author, is_loose
)
select
    workspace_id, event_id, part, source_id, kind, tier, event_time, received_at, rule_version, basis, node_nos::int[],
    centre_no, author, is_loose
from unnest(
    :workspace_ids::int[], :event_ids::uuid[], :parts::smallint[], :source_ids::int[], :kinds::text[], :tiers::smallint[],
    :event_times::timestamptz[], :received_ats::timestamptz[], :rule_versions::int[], :bases::text[],
    :node_nos::text[], :centre_nos::int[], :authors::text[], :loose::boolean[]
) as posted (
    workspace_id, event_id, part, source_id, kind, tier, event_time, received_at, rule_version, basis, node_nos, centre_no,
    author, is_loose
)
on conflict (workspace_id, event_id, part) do nothing
returning workspace_id, event_id, part
