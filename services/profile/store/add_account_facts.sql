-- Adds facts about accounts to the set. Index: the primary key, in whose order the rows come.
insert into account_fact (
    workspace_id, account, trait, event_id, source_id, event_time, received_at, kind, type, value, sealed
)
select * from unnest(
    :workspace_ids::int[], :accounts::text[], :traits::text[], :event_ids::uuid[], :source_ids::int[],
    :event_times::timestamptz[], :received::timestamptz[], :kinds::text[], :types::text[], :clear::text[],
    :sealed::bytea[]
)
on conflict do nothing
returning workspace_id, account, trait
