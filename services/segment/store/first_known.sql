-- Since when persons are known: the earliest time of themselves and of everybody merged into them; and whether anything
-- of theirs names somebody.
-- Walks the merges downwards by person_merged_into; hardly anybody has any. A product of the given persons and the
-- table is avoided by the lateral.
select
    asked.person_no, known.first_known,
    exists (
        select from segment.subject
        where subject.workspace_id = :workspace_id::int and subject.person_no = asked.person_no and subject.naming
    ) as is_named,
    nextval('segment.override_version') as version
from unnest(:person_nos::int[]) as asked (person_no)
cross join lateral (
    with recursive merged as (
        select own.person_no, own.first_known from segment.person as own
        where own.workspace_id = :workspace_id::int and own.person_no = asked.person_no and own.state = 1
        union
        select part.person_no, part.first_known
        from merged
        join segment.person as part
          on part.workspace_id = :workspace_id::int and part.merged_into = merged.person_no
    )
    select min(merged.first_known) as first_known from merged
) as known
where known.first_known is not null
