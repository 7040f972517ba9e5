-- Who persons are now: along their merges to the end.
with recursive path as (
    select person_no as start_no, person_no, merged_into from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    union
    select path.start_no, next.person_no, next.merged_into
    from path
    join segment.person as next on next.workspace_id = :workspace_id::int and next.person_no = path.merged_into
)
select start_no as person_no, person_no as present from path where merged_into is null
