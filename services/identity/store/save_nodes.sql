-- What may change of locked identifiers. Index: node_pkey.
update node n
set person_no = posted.person_no, born_no = posted.born_no, owner_version = posted.owner_version,
    best_tier = posted.best_tier, alone_at = posted.alone_at, is_shared = posted.is_shared, is_calm = posted.is_calm,
    holder_no = posted.holder_no, held_since = posted.held_since, is_timed = posted.is_timed,
    anonymous_no = posted.anonymous_no
from unnest(
    :workspace_ids::int[], :node_nos::int[], :person_nos::int[], :born_nos::int[], :owner_versions::bigint[],
    :best_tiers::smallint[], :alone_ats::timestamptz[], :shared::boolean[], :calm::boolean[],
    :holder_nos::int[], :held_sinces::timestamptz[], :timed::boolean[], :anonymous_nos::int[]
) as posted (
    workspace_id, node_no, person_no, born_no, owner_version, best_tier, alone_at, is_shared, is_calm, holder_no, held_since, is_timed,
    anonymous_no
)
where n.workspace_id = posted.workspace_id and n.node_no = posted.node_no
