-- Who owns each telephone number now, and since when. Plan: contact_point_own_phone -> primary keys of ownership and person.
select c.lookup, o.person_no, o.valid_from
from contact_point c
join ownership o on o.workspace_id = c.workspace_id and o.subject_no = c.subject_no
    and o.valid_to = '9999-12-31 00:00:00+00'
-- a merged one owns for his survivor, until identity says so
join person p on p.workspace_id = o.workspace_id and p.person_no = o.person_no and p.state <> 'erased'
where c.workspace_id = :workspace_id and c.lookup = any(:lookups::bytea[]) and c.own and c.kind = 'phone'
