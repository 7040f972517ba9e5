-- Every fact of a workspace, a line an identifier, numbered, for COPY; `derived` are those that nobody sent. Reads the table once.
select e.fact, e.kind, e.tier, e.at, e.basis, e.derived, one.node_no
from (
    select
        row_number() over () as fact, kind, tier, coalesce(consent_basis, '') as basis, node_nos,
        (source_id = :derived_source)::int as derived,
        (extract(epoch from least(event_time, first_received_at + interval '5 minutes')) * 1000000)::bigint as at
    from evidence
    where workspace_id = :workspace_id
) e
cross join lateral unnest(e.node_nos) as one (node_no)
