-- End a person's runs and take from them everything that says whose they were; the counts stay true.
with running as (
    select run_id, journey_id, version, node, visit, arriving, sequence
    from run where workspace_id = :workspace_id and person_no = any(:person_nos::int[]) and live
),
dropped as (
    delete from run_timer t using running r where t.run_id = r.run_id
),
logged as (
    insert into step_log (workspace_id, run_id, sequence, journey_id, version, node, visit, arrived, departed, branch,
                          reason, at)
    select :workspace_id, run_id, sequence + 1, journey_id, version, node, visit, arriving, true, 'exit:erased', '', :now
    from running
),
silenced as (
    update step_log s set details = null
    from run r
    where s.run_id = r.run_id and s.details is not null
      and r.workspace_id = :workspace_id and r.person_no = any(:person_nos::int[])
),
outcomes as (
    delete from message_outcome o using run r
    where o.run_id = r.run_id
      and r.workspace_id = :workspace_id and r.person_no = any(:person_nos::int[])
)
update run set
    person_no = 0, person_id = '00000000-0000-0000-0000-000000000000', entered_as = 0, subject_no = 0, entry_key = '',
    entry_event_id = null, context = null, sealed = null, zone = null, visits = null, live = false,
    state = case when live then 'exited' else state end, reason = case when live then 'erased' else reason end,
    ended_at = coalesce(ended_at, :now), sequence = sequence + live::int
where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
