-- Persons merged, added to the minutes in which what joined them arrived; answers what was counted of these minutes so
-- far. One order for all writers, who wait here for each other. Minutes that ended a week before are forgotten unless
-- somebody is at them. Index: source_rate_pkey.
with posted as (
    select *
    from unnest(
        :workspace_ids::int[], :source_ids::int[], :minutes::timestamptz[], :merges::int[]
    ) as posted (workspace_id, source_id, minute, merges)
),
stale as (
    select r.workspace_id, r.source_id, r.minute
    from source_rate r
    join (select workspace_id, source_id, min(minute) as minute from posted group by workspace_id, source_id) p
        on r.workspace_id = p.workspace_id and r.source_id = p.source_id
        and r.minute < p.minute - interval '7 days'
    for update of r skip locked
),
forgotten as (
    delete from source_rate r
    using stale s
    where r.workspace_id = s.workspace_id and r.source_id = s.source_id and r.minute = s.minute
)
insert into source_rate as r (workspace_id, source_id, minute, merges)
select workspace_id, source_id, minute, merges from posted order by workspace_id, source_id, minute
on conflict (workspace_id, source_id, minute) do update set merges = r.merges + excluded.merges
returning r.workspace_id, r.source_id, r.minute, r.merges
