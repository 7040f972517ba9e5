-- Links in quarantine, newest first; open ones only while they are kept out. Indexes: held_link_by_id, node_pkey,
-- link_pkey.
select
    h.hold_id, h.low_no, h.high_no, h.state, h.reason, h.cause_no, h.source_id, h.held_at, h.decided_at, h.author,
    l.person_no as low_person, r.person_no as high_person
from held_link h
join node l on l.workspace_id = h.workspace_id and l.node_no = h.low_no
join node r on r.workspace_id = h.workspace_id and r.node_no = h.high_no
where h.workspace_id = :workspace_id
    and (:reason::text is null or h.reason = :reason)
    and (:before::uuid is null or h.hold_id < :before)
    and case :state::text
        when 'open' then h.state in ('held', 'throttled', 'oversized') and exists (
            select from link k
            where k.workspace_id = h.workspace_id and k.low_no = h.low_no and k.high_no = h.high_no
                and k.state = 'quarantined'
        )
        when 'released' then h.state in ('free', 'released')
        when 'thrown_away' then h.state = 'thrown_away'
        else true
    end
order by h.hold_id desc
limit :row_limit
