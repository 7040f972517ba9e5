-- A person's newest rows before a position. Plan: his identifiers (ownership_by_person) and himself -> for each the
-- newest `limit` rows by the primary key, backwards -> merge.
with holder (holder_no, valid_from, valid_to) as (
    select subject_no, valid_from, valid_to from ownership
    where workspace_id = :workspace_id and person_no = :person_no
    union all
    select h, '-infinity'::timestamptz, 'infinity'::timestamptz from unnest(:alias_holders::int[]) h
)
select t.event_id, t.event_time, t.received_at, t.kind, t.name, t.source_id, t.body, t.sealed
from holder h, lateral (
    select * from timeline t
    where t.workspace_id = :workspace_id and t.holder_no = h.holder_no
      and t.event_time >= greatest(h.valid_from, coalesce(:since::timestamptz, h.valid_from))
      and t.event_time < least(h.valid_to, coalesce(:until::timestamptz, h.valid_to))
      and (:before_time::timestamptz is null or (t.event_time, t.event_id) < (:before_time, :before_id::uuid))
      and (:names::text[] is null or t.name = any(:names))
      and (:source_ids::int[] is null or t.source_id = any(:source_ids))
    order by t.event_time desc, t.event_id desc
    limit :limit
) t
order by t.event_time desc, t.event_id desc
limit :limit
