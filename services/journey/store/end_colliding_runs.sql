-- Of the live runs that become one person's, the earlier entry of a key stays; the others end as merged.
with standing as (
    select run_id, row_number() over (partition by journey_id, entry_key order by entry_time, run_id) as place
    from run
    where workspace_id = :workspace_id and live and is_exclusive
      and (person_no = :to_no or run_id = any(:moving::uuid[]))
),
ended as (
    update run r set live = false, state = 'exited', reason = 'merged', ended_at = :now, sequence = r.sequence + 1
    from standing s
    where r.run_id = s.run_id and s.place > 1
    returning r.run_id, r.journey_id, r.version, r.person_no, r.person_id, r.node, r.visit, r.arriving, r.sequence, r.arm,
              r.converted_at is not null as converted
),
dropped as (
    delete from run_timer t using ended e where t.run_id = e.run_id
),
logged as (
    insert into step_log (workspace_id, run_id, sequence, journey_id, version, node, visit, arrived, departed, branch,
                          reason, at)
    select :workspace_id, run_id, sequence, journey_id, version, node, visit, arriving, true, 'exit:merged', '', :now
    from ended
)
select run_id, journey_id, version, person_no, person_id, node, sequence, arm, converted from ended
