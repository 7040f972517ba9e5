-- Published rows whose messages the stream has lost go back to the queue: the same event ids, but another message id
-- (said_again), because the stream would take the message for a second copy of the one it has dropped.
with again as (
    update outbox_log set stream_sequence = null, said_again = said_again + 1
    where stream_sequence > :above
      and (:below::bigint is null or stream_sequence < :below)
      and (:subjects::text[] is null or subject = any(:subjects))
    returning log_id, workspace_id, length(payload) as byte_count
)
insert into outbox_queue (log_id, workspace_id, byte_count)
select log_id, workspace_id, byte_count from again
on conflict do nothing
