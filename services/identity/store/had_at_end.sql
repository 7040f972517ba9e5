-- What merged persons had when they last ended, of some identifiers, and since which graph version.
-- Indexes: ownership_pkey, person_pkey, person_redirect_pkey.
with held as (
    select node_no, person_no, version, lead(version) over (partition by node_no order by version) as until_version
    from ownership
    where workspace_id = :workspace_id and node_no = any(:node_nos::int[]) and until is null
)
select held.person_no, held.node_no, max(held.version) as version
from held
join person p on p.workspace_id = :workspace_id and p.person_no = held.person_no and p.state = 'merged'
where held.until_version = (
    select max(r.graph_version) from person_redirect r
    where r.workspace_id = :workspace_id and r.from_no = held.person_no and r.to_no <> 0
)
group by held.person_no, held.node_no
