-- New persons.
insert into person (workspace_id, person_no, person_id, graph_version, created_at)
select workspace_id, person_no, person_id, graph_version, created_at
from unnest(
    :workspace_ids::int[], :person_nos::int[], :person_ids::uuid[], :graph_versions::bigint[], :created_ats::timestamptz[]
) as posted (workspace_id, person_no, person_id, graph_version, created_at)
