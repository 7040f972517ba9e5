-- Owners from a version on; a node that changed hands twice in one transaction keeps the last.
insert into ownership (workspace_id, node_no, version, person_no, since, until, recorded_at)
select workspace_id, node_no, version, person_no, since, until, recorded_at
from unnest(
    :workspace_ids::int[], :node_nos::int[], :versions::bigint[], :person_nos::int[], :sinces::timestamptz[],
    :untils::timestamptz[], :recorded_ats::timestamptz[]
) as posted (workspace_id, node_no, version, person_no, since, until, recorded_at)
