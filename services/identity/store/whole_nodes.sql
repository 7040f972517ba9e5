-- Every identifier of a workspace, for COPY. Reads the table once.
select
    node_no, person_no, namespace, scope, is_shared::int,
    coalesce(jsonb_exists_any(permissions, :purposes::text[]), false)::int,
    coalesce((extract(epoch from alone_at) * 1000000)::bigint, :never::bigint)
from node
where workspace_id = :workspace_id
order by node_no
