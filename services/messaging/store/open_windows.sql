-- The arbitration window of a person begins with his first candidate and is shared by those who come while it is open.
insert into person as p (workspace_id, person_no, window_ends_at)
select :workspace_id, person_no, :now::timestamptz + make_interval(secs => :seconds)
from unnest(:person_nos::int[]) as t(person_no)
order by person_no
on conflict (workspace_id, person_no) do update
set window_ends_at = case when p.window_ends_at > :now::timestamptz then p.window_ends_at else excluded.window_ends_at end
returning p.person_no, p.window_ends_at
