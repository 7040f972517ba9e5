-- Due regions by the clocks of their workspaces; others skip what is claimed here. Index: region_due_at, as far as the
-- clock that is furthest: nearly every region has a time at which it is due, and all of them would be read.
delete from region_due d
using (
    select q.workspace_id, q.node_no
    from region_due q
    join workspace w on w.workspace_id = q.workspace_id
    where
        q.due_at <= (select max(coalesce(c.driven_now, clock_timestamp())) from workspace c where not c.held)
        and q.due_at <= coalesce(w.driven_now, clock_timestamp()) and not w.held
    order by q.due_at
    limit :limit
    for update of q skip locked
) as due
where d.workspace_id = due.workspace_id and d.node_no = due.node_no
returning d.workspace_id, d.node_no, d.reread, d.glance
