-- Add a group's outcomes to its sources' counters. Index: source_counter_pkey.
insert into source_counter as c (
    workspace_id, source_id, day, posted, accepted, duplicate, conflict, quarantined, refused, replayed
)
select *
from unnest(
    :workspace_ids::int[], :source_ids::int[], :days::date[], :posted_counts::bigint[], :accepted_counts::bigint[],
    :duplicate_counts::bigint[], :conflict_counts::bigint[], :quarantined_counts::bigint[], :refused_counts::bigint[],
    :replayed_counts::bigint[]
)
on conflict (workspace_id, source_id, day) do update set
    posted = c.posted + excluded.posted,
    accepted = c.accepted + excluded.accepted,
    duplicate = c.duplicate + excluded.duplicate,
    conflict = c.conflict + excluded.conflict,
    quarantined = c.quarantined + excluded.quarantined,
    refused = c.refused + excluded.refused,
    replayed = c.replayed + excluded.replayed
