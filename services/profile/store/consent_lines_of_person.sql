-- The ledger lines about a person's present identifiers, and those about himself, newest first.
with held as (
    select o.subject_no from ownership o
    where o.workspace_id = :workspace_id and o.person_no = :person_no and o.valid_to = '9999-12-31 00:00:00+00'
),
found as (
    select l.statement_id, 'identifier' as reach from held h
    join consent_ledger l on l.workspace_id = :workspace_id and l.subject_no = h.subject_no and l.subject_no <> 0
    union
    select l.statement_id, 'identifier' from held h
    join subject s on s.workspace_id = :workspace_id and s.subject_no = h.subject_no
    join consent_ledger l on l.workspace_id = :workspace_id and l.lookup = s.lookup
    union
    select l.statement_id, 'person' from consent_ledger l
    where l.workspace_id = :workspace_id and l.person_no <> 0 and l.person_no in (
        select f.person_no from held h
        join ownership_fact f on f.workspace_id = :workspace_id and f.subject_no = h.subject_no
    )
)
select l.*, f.reach from found f
join consent_ledger l on l.workspace_id = :workspace_id and l.statement_id = f.statement_id
order by l.event_time desc, l.statement_id desc
limit :limit
