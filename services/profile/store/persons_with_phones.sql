-- Who has the telephone numbers that these identifiers are. Plan per number: contact_point_by_place, in its order ->
-- primary key of ownership. The first :most_rows places bound a number of thousands, :most_in_all a batch of many numbers.
with numbers as (
    select distinct c.workspace_id, c.lookup
    from unnest(:workspace_ids::int[], :subject_nos::int[]) s (workspace_id, subject_no)
    join contact_point c using (workspace_id, subject_no)
    where c.own and c.kind = 'phone'
), share as (
    select least(:most_rows::bigint, greatest(:most_in_all::bigint / greatest(count(*), 1), 2)) as places from numbers
)
select distinct k.workspace_id, h.person_no
from numbers k
cross join lateral (
    select o.person_no
    from contact_point c
    join ownership o on o.workspace_id = c.workspace_id and o.subject_no = c.subject_no
        and c.last_time >= o.valid_from and c.first_time < o.valid_to
    where c.workspace_id = k.workspace_id and c.lookup = k.lookup
    order by c.subject_no, o.valid_from
    limit (select places from share)
) h
