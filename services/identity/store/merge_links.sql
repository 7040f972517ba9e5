-- Facts added to links: every column is a maximum, a minimum, a sum over new evidence, or a set. What was decided about
-- new ones is written with them, which spares each a second version. Index: link_pkey.
insert into link as l (
    workspace_id, low_no, high_no, basis, seen_0, seen_1, seen_2, seen_3, seen_4, void_0, void_1, void_2, void_3,
    void_4, retracted_at, must_at, cannot_at, replaced_low_at, replaced_high_at, logout_at, first_at,
    arrived_at, evidence_count, sources, state, reason, blocker_low, blocker_high
)
select
    workspace_id, low_no, high_no, basis, (:instants::timestamptz[])[seen_0], (:instants::timestamptz[])[seen_1],
    (:instants::timestamptz[])[seen_2], (:instants::timestamptz[])[seen_3], (:instants::timestamptz[])[seen_4],
    void_0, void_1, void_2, void_3, void_4, retracted_at, must_at, cannot_at, replaced_low_at, replaced_high_at,
    logout_at, (:instants::timestamptz[])[first_at], (:instants::timestamptz[])[arrived_at], evidence_count,
    sources::int[], state, coalesce(reason, ''), blocker_low, blocker_high
from unnest(
    :workspace_ids::text::int[], :lows::text::int[], :highs::text::int[], :bases::text::text[], :seen_0::text::int[],
    :seen_1::text::int[], :seen_2::text::int[], :seen_3::text::int[], :seen_4::text::int[],
    :void_0::timestamptz[], :void_1::timestamptz[], :void_2::timestamptz[], :void_3::timestamptz[],
    :void_4::timestamptz[], :retracted_at::timestamptz[], :must_at::timestamptz[], :cannot_at::timestamptz[],
    :replaced_low_at::timestamptz[], :replaced_high_at::timestamptz[], :logout_at::timestamptz[],
    :first_at::text::int[], :arrived_at::text::int[], :counts::text::int[], string_to_array(:sources, ';'),
    :states::text[], :reasons::text[], :blocker_lows::int[], :blocker_highs::int[]
) as posted (
    workspace_id, low_no, high_no, basis, seen_0, seen_1, seen_2, seen_3, seen_4, void_0, void_1, void_2, void_3,
    void_4, retracted_at, must_at, cannot_at, replaced_low_at, replaced_high_at, logout_at, first_at,
    arrived_at, evidence_count, sources, state, reason, blocker_low, blocker_high
)
on conflict (workspace_id, low_no, high_no, basis) do update set
    seen_0 = greatest(l.seen_0, excluded.seen_0),
    seen_1 = greatest(l.seen_1, excluded.seen_1),
    seen_2 = greatest(l.seen_2, excluded.seen_2),
    seen_3 = greatest(l.seen_3, excluded.seen_3),
    seen_4 = greatest(l.seen_4, excluded.seen_4),
    void_0 = greatest(l.void_0, excluded.void_0),
    void_1 = greatest(l.void_1, excluded.void_1),
    void_2 = greatest(l.void_2, excluded.void_2),
    void_3 = greatest(l.void_3, excluded.void_3),
    void_4 = greatest(l.void_4, excluded.void_4),
    retracted_at = greatest(l.retracted_at, excluded.retracted_at),
    must_at = greatest(l.must_at, excluded.must_at),
    cannot_at = greatest(l.cannot_at, excluded.cannot_at),
    replaced_low_at = greatest(l.replaced_low_at, excluded.replaced_low_at),
    replaced_high_at = greatest(l.replaced_high_at, excluded.replaced_high_at),
    logout_at = greatest(l.logout_at, excluded.logout_at),
    first_at = least(l.first_at, excluded.first_at),
    arrived_at = least(l.arrived_at, excluded.arrived_at),
    evidence_count = l.evidence_count + excluded.evidence_count,
    sources = case
        when l.sources @> excluded.sources then l.sources
        else array(select distinct s from unnest(l.sources || excluded.sources) s order by s)
    end,
    state = coalesce(excluded.state, l.state),
    reason = case when excluded.state is null then l.reason else excluded.reason end,
    blocker_low = case when excluded.state is null then l.blocker_low else excluded.blocker_low end,
    blocker_high = case when excluded.state is null then l.blocker_high else excluded.blocker_high end
