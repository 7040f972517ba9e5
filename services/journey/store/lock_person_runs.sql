-- Hold the timers of all live runs of some persons; changes of runs begin here.
select t.run_id
from run r join run_timer t using (run_id)
where r.workspace_id = :workspace_id and r.person_no = any(:person_nos::int[]) and r.live
order by t.run_id
for update of t
