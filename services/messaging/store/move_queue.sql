-- Gives each intent its next step, or takes it out of the queue when `step` is null.
with moves as (
    select *
    from jsonb_to_recordset(:rows) as r(intent_id uuid, step text, due_at timestamptz, pause_seconds double precision)
), gone as (
    delete from intent_queue q
    using moves m
    where q.workspace_id = :workspace_id and q.intent_id = m.intent_id and m.step is null
)
update intent_queue q
set step = m.step,
    due_at = coalesce(m.due_at, q.due_at),
    available_at = clock_timestamp() + make_interval(secs => m.pause_seconds)
from moves m
where q.workspace_id = :workspace_id
  and q.intent_id = m.intent_id
  and m.step is not null
