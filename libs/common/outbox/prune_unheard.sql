-- A subject that nobody ever followed has no floor; its rows wait this long for a first follower. Runs rarely.
delete from outbox_log
where stream_sequence is not null
  and created_at < clock_timestamp() - :seconds::float8 * interval '1 second'
  and not exists (select from outbox_consumer c where c.subject = outbox_log.subject)
