-- The lines about each person's present identifiers: about the identifier itself, about its value before anybody had
-- met it, and those about whoever held it when the line was received (as identity knew it then; its first owner when
-- nothing was known). Plan: ownership_by_person -> consent_by_subject / consent_by_lookup / ownership_fact's primary
-- key -> consent_by_person.
with held as (
    select o.workspace_id, o.person_no, o.subject_no
    from ownership o
    join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
    where o.valid_to = '9999-12-31 00:00:00+00'
),
once as (
    select distinct h.workspace_id, h.person_no, h.subject_no, f.person_no as then_no
    from held h
    join ownership_fact f on f.workspace_id = h.workspace_id and f.subject_no = h.subject_no
)
select h.person_no, h.subject_no, l.workspace_id, l.statement_id, l.purpose, l.channel, l.topic, l.state, l.event_time,
    l.expires_at, l.source
from held h
join consent_ledger l on l.workspace_id = h.workspace_id and l.subject_no = h.subject_no and l.subject_no <> 0
union all
select h.person_no, h.subject_no, l.workspace_id, l.statement_id, l.purpose, l.channel, l.topic, l.state, l.event_time,
    l.expires_at, l.source
from held h
join subject s on s.workspace_id = h.workspace_id and s.subject_no = h.subject_no
join consent_ledger l on l.workspace_id = h.workspace_id and l.lookup = s.lookup
union all
select o.person_no, o.subject_no, l.workspace_id, l.statement_id, l.purpose, l.channel, l.topic, l.state, l.event_time,
    l.expires_at, l.source
from once o
join consent_ledger l on l.workspace_id = o.workspace_id and l.person_no = o.then_no and l.person_no <> 0
where o.then_no = (
    select f.person_no from ownership_fact f
    where f.workspace_id = o.workspace_id and f.subject_no = o.subject_no
    order by f.received_at <= l.received_at desc,
        case when f.received_at <= l.received_at then -f.version else f.version end,
        case when f.received_at <= l.received_at then f.since end desc, f.since
    limit 1
)
