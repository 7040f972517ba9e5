insert into outbox_consumer (subject, consumer, ack_floor)
select c.subject, c.consumer, c.ack_floor
from unnest(:subjects::text[], :consumers::text[], :ack_floors::bigint[]) as c (subject, consumer, ack_floor)
on conflict (subject, consumer) do update set ack_floor = excluded.ack_floor, seen_at = clock_timestamp()
