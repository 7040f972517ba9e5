-- Links that touch nodes, from either end; of those that wait for a decision about a rate only the ones that keep
-- two apart, unless all are wanted. What leads back to where one comes from was read from there, each row is one that
-- has to be sent and taken apart. `not in` is looked up in a hashed table, which no join would be here (plans by index).
-- `offset 0` has the nodes lead: told of few links, the planner began with all links of the workspace.
-- Indexes: link_pkey (low end), link_high.
select around.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
cross join lateral (
    select
        l.workspace_id, l.low_no, l.high_no, l.basis, l.state, l.reason, l.blocker_low, l.blocker_high,
        l.seen_0, l.seen_1, l.seen_2, l.seen_3, l.seen_4, l.void_0, l.void_1, l.void_2, l.void_3, l.void_4,
        l.retracted_at, l.must_at, l.cannot_at, l.replaced_low_at, l.replaced_high_at, l.logout_at,
        l.first_at, l.arrived_at, l.evidence_count, l.sources
    from link l
    where l.workspace_id = wanted.workspace_id and l.low_no = wanted.node_no
        and (:held or l.reason not in ('rate', 'source_rate') or l.cannot_at is not null)
        and (l.workspace_id::bigint << 32 | l.high_no) not in (select unnest(:read_from::bigint[]))
    offset 0
) around
union all
select around.*
from unnest(:workspace_ids::int[], :node_nos::int[]) as wanted (workspace_id, node_no)
cross join lateral (
    select
        l.workspace_id, l.low_no, l.high_no, l.basis, l.state, l.reason, l.blocker_low, l.blocker_high,
        l.seen_0, l.seen_1, l.seen_2, l.seen_3, l.seen_4, l.void_0, l.void_1, l.void_2, l.void_3, l.void_4,
        l.retracted_at, l.must_at, l.cannot_at, l.replaced_low_at, l.replaced_high_at, l.logout_at,
        l.first_at, l.arrived_at, l.evidence_count, l.sources
    from link l
    where l.workspace_id = wanted.workspace_id and l.high_no = wanted.node_no
        and (:held or l.reason not in ('rate', 'source_rate') or l.cannot_at is not null)
        and (l.workspace_id::bigint << 32 | l.low_no) not in (select unnest(:read_from::bigint[]))
    offset 0
) around
