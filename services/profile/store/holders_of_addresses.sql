-- Who holds each address now, the asker among them. The keyed hash covers kind and scope. Plan per address:
-- contact_point_by_place, in its order -> primary keys of ownership and person; the first :most_rows bound an address of
-- thousands.
select distinct k.lookup, h.person_no
from unnest(:lookups::bytea[]) k (lookup)
cross join lateral (
    select o.person_no
    from contact_point c
    join ownership o on o.workspace_id = c.workspace_id and o.subject_no = c.subject_no
        and c.last_time >= o.valid_from and c.first_time < o.valid_to
    join person p on p.workspace_id = o.workspace_id and p.person_no = o.person_no and p.state = 'active'
    where c.workspace_id = :workspace_id and c.lookup = k.lookup
    order by c.subject_no, o.valid_from
    limit :most_rows
) h
