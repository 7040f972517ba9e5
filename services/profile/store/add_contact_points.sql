-- Adds addresses and says which became an identifier's own; min, max, max and or make the order of arrival irrelevant.
-- Primary key of contact_point.
insert into contact_point as c (
    workspace_id, subject_no, kind, scope, lookup, sealed, first_time, last_time, verified_at, own
)
select * from unnest(
    :workspace_ids::int[], :subject_nos::int[], :kinds::text[], :scopes::text[], :lookups::bytea[], :sealed::bytea[],
    :first_times::timestamptz[], :last_times::timestamptz[], :verified::timestamptz[], :own::boolean[]
)
on conflict (workspace_id, subject_no, kind, scope, lookup) do update set
    first_time = least(c.first_time, excluded.first_time),
    last_time = greatest(c.last_time, excluded.last_time),
    verified_at = greatest(c.verified_at, excluded.verified_at),
    own = c.own or excluded.own
returning new.workspace_id, new.subject_no, new.own and not coalesce(old.own, false) as is_news
