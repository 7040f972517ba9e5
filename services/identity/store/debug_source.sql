-- The last calls of a source from the log, the quarantine and the notes of what was turned away, newest first.
-- Each part reads at most `row_limit` rows backwards: event_log_by_source, quarantine_by_source, turned_away_pkey.
(
    select
        event_id as id, received_at, case when is_conflict then 'conflict' else 'accepted' end as outcome, kind, name,
        message_id, case when is_conflict then 'other_content' end as reason, null::text as pointer, payload
    from event_log
    where workspace_id = :workspace_id and source_id = :source_id
    order by received_at desc
    limit :row_limit
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
    where workspace_id = :workspace_id and source_id = :source_id
    order by note_id desc
    limit :row_limit
)
order by received_at desc, id desc
limit :row_limit
