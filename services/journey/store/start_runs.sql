-- Start runs of one journey: the constraints decide who may enter.
-- One candidate per (person, key) at most. Plan: index probes a candidate (run_live, entered_pkey, run_entry).
with candidate as (
    select *
    from unnest(
        :run_ids::uuid[], :person_nos::int[], :person_ids::uuid[], :subject_nos::int[], :entry_keys::text[],
        :event_ids::uuid[], :entry_times::timestamptz[], :goal_untils::timestamptz[], :contexts::text[],
        :sealed::text[], :zones::text[], :received::timestamptz[]
    ) as c(run_id, person_no, person_id, subject_no, entry_key, event_id, entry_time, goal_until, context, sealed,
           zone, received_at)
),
-- A run that is under way would refuse the insert below; asked first so that it does not count as an entry. One probe
-- of run_live a candidate: as a join the planner would read all runs of the journey.
free as (
    select c.* from candidate c
    left join lateral (
        select true as found from run r
        where r.workspace_id = :workspace_id and r.journey_id = :journey_id and r.person_no = c.person_no
          and r.entry_key = c.entry_key and r.live and r.is_exclusive and :exclusive
        limit 1
    ) under_way on true
    where under_way.found is null
),
admitted as (
    insert into entered as e (workspace_id, journey_id, person_no, entry_key, first_at, last_at)
    select :workspace_id, :journey_id, person_no, entry_key, entry_time, entry_time from free
    on conflict (workspace_id, journey_id, person_no, entry_key) do update
        set last_at = greatest(e.last_at, excluded.last_at), first_at = least(e.first_at, excluded.first_at)
        where :always or excluded.last_at >= e.last_at + make_interval(months => :gap_months::int) + :gap::interval
    returning e.person_no, e.entry_key
),
started as (
    insert into run (
        workspace_id, run_id, journey_id, version, person_no, person_id, entered_as, subject_no, entry_key,
        entry_event_id, entry_time, goal_until, is_exclusive, arrived_at, context, sealed, zone, started_at, received_at
    )
    select :workspace_id, run_id, :journey_id, :version, person_no, person_id, person_no, subject_no, entry_key,
           event_id, entry_time, goal_until, :exclusive, :now, context::json, sealed, zone, :now, received_at
    from free join admitted using (person_no, entry_key)
    on conflict do nothing
    returning run_id
)
insert into run_timer (run_id, workspace_id, due_at)
select run_id, :workspace_id, :now from started
returning run_id
