insert into outbox_stream (stream, created_at, last_sequence)
values (:stream, :created_at, :last_sequence)
on conflict (stream) do update set created_at = excluded.created_at, last_sequence = excluded.last_sequence
