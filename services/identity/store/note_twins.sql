-- What identifiers are the hashes of, from either side; whoever waits here for another's row finds it filled.
-- Index: twin_pkey.
insert into twin as t (workspace_id, lookup, plain_no, hashed_no)
select workspace_id, lookup, plain_no, hashed_no
from unnest(:workspace_ids::int[], :lookups::bytea[], :plain_nos::int[], :hashed_nos::int[])
    as posted (workspace_id, lookup, plain_no, hashed_no)
order by workspace_id, lookup
on conflict (workspace_id, lookup) do update set
    plain_no = coalesce(t.plain_no, excluded.plain_no), hashed_no = coalesce(t.hashed_no, excluded.hashed_no)
returning workspace_id, plain_no, hashed_no
