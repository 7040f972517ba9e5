-- The last calls of a source from the log, the quarantine and the notes of what was turned away, newest first.
-- What the tracking plan warned of is an accepted event with a reason.
-- Each part reads at most `row_limit` rows backwards: event_log_by_source, quarantine_by_source, turned_away_pkey.
(
    select
        e.event_id as id, e.received_at, case when e.is_conflict then 'conflict' else 'accepted' end as outcome, e.kind,
        e.name, e.message_id, case when e.is_conflict then 'other_content' else w.reason end as reason, w.pointer,
        e.payload
    from (
        select * from event_log
        where workspace_id = :workspace_id and source_id = :source_id
        order by received_at desc
        limit :row_limit
    ) e
    left join turned_away w on w.source_id = :source_id and w.note_id = e.event_id and w.outcome = 'warned'
)
union all
(
    select quarantine_id, received_at, 'quarantined', kind, name, message_id, reason, pointer, payload
    from quarantine
    where workspace_id = :workspace_id and source_id = :source_id
    order by quarantine_id desc
    limit :row_limit
)
union all
(
    select note_id, received_at, outcome, kind, name, message_id, reason, pointer, null::bytea
    from turned_away
    where workspace_id = :workspace_id and source_id = :source_id and outcome <> 'warned'
    order by note_id desc
    limit :row_limit
)
order by received_at desc, id desc
limit :row_limit
