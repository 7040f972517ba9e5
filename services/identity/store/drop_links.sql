-- Links whose evidence is added up anew in the same transaction. Index: link_pkey.
delete from link l
using unnest(:workspace_ids::int[], :lows::int[], :highs::int[]) as posted (workspace_id, low_no, high_no)
where l.workspace_id = posted.workspace_id and l.low_no = posted.low_no and l.high_no = posted.high_no
