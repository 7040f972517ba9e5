-- Evidence, once per event id and part. Index: evidence_pkey (ids grow with time, so it is written at its right edge).
insert into evidence (
    workspace_id, event_id, part, source_id, kind, tier, event_time, first_received_at, rule_version, consent_basis, node_nos,
    centre_no, author, is_loose
)
select
    workspace_id, event_id, part, source_id, kind, tier, (:instants::timestamptz[])[event_time],
    (:instants::timestamptz[])[received_at], rule_version, basis, node_nos::int[], centre_no, author, is_loose
from unnest(
    :workspace_ids::text::int[], :event_ids::uuid[], :parts::text::smallint[], :source_ids::text::int[],
    :kinds::text::text[], :tiers::text::smallint[], :event_times::text::int[], :received_ats::text::int[],
    :rule_versions::text::int[], :bases::text::text[], string_to_array(:node_nos, ';'), :centre_nos::text::int[],
    :authors::text[], :loose::text::boolean[]
) as posted (
    workspace_id, event_id, part, source_id, kind, tier, event_time, received_at, rule_version, basis, node_nos, centre_no,
    author, is_loose
)
on conflict (workspace_id, event_id, part) do nothing
returning workspace_id, event_id, part
