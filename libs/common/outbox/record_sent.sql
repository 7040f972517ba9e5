-- The rows are in the stream under these sequences: note it and take them from the queue.
with sent as (
    select log_id, stream_sequence from unnest(:log_ids::bigint[], :sequences::bigint[]) as s (log_id, stream_sequence)
), logged as (
    update outbox_log set stream_sequence = sent.stream_sequence from sent where outbox_log.log_id = sent.log_id
)
delete from outbox_queue using sent where outbox_queue.log_id = sent.log_id
