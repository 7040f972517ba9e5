-- Quarantined calls, newest first (UUIDv7 is time-ordered). Index: quarantine_pkey.
select *
from quarantine
where
    workspace_id = :workspace_id
    and (:before::uuid is null or quarantine_id < :before)
    and (:source_id::int is null or source_id = :source_id)
    and (:reason::text is null or reason = :reason)
    and (:status::text is null or status = :status)
    and (:import_id::uuid is null or import_id = :import_id)
order by quarantine_id desc
limit :row_limit
