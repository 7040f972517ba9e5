-- Write where runs stand now. An ended run leaves the index of live ones; all other updates stay in the page.
update run r set
    live = not k.ended, state = k.state, reason = k.reason, node = k.node, visit = k.visit, arriving = k.arriving,
    arrived_at = k.arrived_at, visits = k.visits::json, arm = k.arm, sequence = k.sequence,
    converted_at = coalesce(r.converted_at, k.converted_at), ended_at = case when k.ended then k.now end
from unnest(
    :run_ids::uuid[], :ended::boolean[], :states::text[], :reasons::text[], :nodes::text[],
    :visit_nos::int[], :arriving::boolean[], :arrived::timestamptz[], :visits::text[], :arms::text[],
    :sequences::int[], :converted::timestamptz[], :nows::timestamptz[]
) as k(run_id, ended, state, reason, node, visit, arriving, arrived_at, visits, arm, sequence,
       converted_at, now)
where r.run_id = k.run_id
