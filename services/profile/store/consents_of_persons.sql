-- The lines that may be about each person's present identifiers: about the identifier itself, about its value before
-- anybody had met it, and (aim_no) about all that somebody held who ever owned it: domain/ownership decides of those.
-- Plan: ownership_by_person -> consent_by_subject / consent_by_lookup / ownership_fact's primary key ->
-- consent_by_person.
with held as (
    select o.workspace_id, o.person_no, o.subject_no
    from ownership o
    join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
    where o.valid_to = '9999-12-31 00:00:00+00'
),
found as (
    select h.person_no, h.subject_no, l.workspace_id, l.statement_id, 0 as aim_no
    from held h
    join consent_ledger l on l.workspace_id = h.workspace_id and l.subject_no = h.subject_no and l.subject_no <> 0
    union
    select h.person_no, h.subject_no, l.workspace_id, l.statement_id, 0
    from held h
    join subject s on s.workspace_id = h.workspace_id and s.subject_no = h.subject_no
    join consent_ledger l on l.workspace_id = h.workspace_id and l.lookup = s.lookup
    union
    select h.person_no, h.subject_no, l.workspace_id, l.statement_id, l.person_no
    from held h
    join ownership_fact f on f.workspace_id = h.workspace_id and f.subject_no = h.subject_no
    join consent_ledger l on l.workspace_id = h.workspace_id and l.person_no = f.person_no and l.person_no <> 0
)
select f.person_no as owner_no, f.subject_no as identifier_no, f.aim_no, l.*
from found f
join consent_ledger l on l.workspace_id = f.workspace_id and l.statement_id = f.statement_id
