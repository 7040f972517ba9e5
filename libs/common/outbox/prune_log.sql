-- Rows at or below the floor of their subject are applied by every consumer.
-- Plan: nested loop over the few subjects, index scan on outbox_log_sent.
delete from outbox_log
using unnest(:subjects::text[], :floors::bigint[]) as floor (subject, ack_floor)
where outbox_log.subject = floor.subject
  and outbox_log.stream_sequence <= floor.ack_floor
