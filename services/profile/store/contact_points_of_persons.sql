-- Plan: ownership_by_person -> primary key of contact_point. Declared while he owned the identifier.
select o.person_no, c.kind, c.scope, c.lookup, c.sealed, c.first_time, c.last_time, c.verified_at
from ownership o
join contact_point c on c.workspace_id = o.workspace_id and c.subject_no = o.subject_no
    and c.last_time >= o.valid_from and c.first_time < o.valid_to
where o.workspace_id = :workspace_id and o.person_no = any(:person_nos::int[])
