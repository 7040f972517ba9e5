-- Newer evidence without a link; late evidence changes nothing. Index: node_pkey; heap-only (no index holds the time).
update node n
set alone_at = posted.alone_at
from unnest(:workspace_ids::int[], :node_nos::int[], :alone_ats::timestamptz[]) as posted (workspace_id, node_no, alone_at)
where n.workspace_id = posted.workspace_id and n.node_no = posted.node_no
    and (n.alone_at is null or n.alone_at < posted.alone_at)
