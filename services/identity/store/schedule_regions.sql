-- Nodes whose regions time may change, or that may be hubs no more. Index: region_due_pkey.
insert into region_due as d (workspace_id, node_no, due_at, glance)
select workspace_id, node_no, due_at, :glance
from unnest(:workspace_ids::int[], :node_nos::int[], :due_ats::timestamptz[]) as posted (workspace_id, node_no, due_at)
order by workspace_id, node_no
on conflict (workspace_id, node_no) do update
set due_at = least(d.due_at, excluded.due_at), glance = d.glance and excluded.glance
where d.due_at > excluded.due_at or (d.glance and not excluded.glance)
