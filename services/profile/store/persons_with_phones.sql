-- Who has the telephone numbers that these identifiers are. Plan per number: contact_point_by_lookup -> primary key of
-- ownership; the first :most_rows bound a number of thousands.
select distinct k.workspace_id, h.person_no
from (
    select distinct c.workspace_id, c.lookup
    from unnest(:workspace_ids::int[], :subject_nos::int[]) s (workspace_id, subject_no)
    join contact_point c using (workspace_id, subject_no)
    where c.own and c.kind = 'phone'
) k
cross join lateral (
    select o.person_no
    from contact_point c
    join ownership o on o.workspace_id = c.workspace_id and o.subject_no = c.subject_no
        and c.last_time >= o.valid_from and c.first_time < o.valid_to
    where c.workspace_id = k.workspace_id and c.lookup = k.lookup
    limit :most_rows
) h
