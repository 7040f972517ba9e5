-- Adds facts to the set. Index: the primary key (workspace, identifier, trait, event), in whose order the rows come.
insert into trait_fact (
    workspace_id, subject_no, trait, event_id, source_id, event_time, received_at, kind, type, value, sealed
)
select * from unnest(
    :workspace_ids::int[], :subject_nos::int[], :traits::text[], :event_ids::uuid[], :source_ids::int[],
    :event_times::timestamptz[], :received::timestamptz[], :kinds::text[], :types::text[], :clear::text[],
    :sealed::bytea[]
)
on conflict do nothing
returning workspace_id, subject_no, trait, event_id
