-- Subjects held by merged persons go to the end of the merges.
with recursive path as (
    select person_no as start_no, person_no, merged_into from segment.person
    where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[])
    union
    select path.start_no, next.person_no, next.merged_into
    from path
    join segment.person as next on next.workspace_id = :workspace_id::int and next.person_no = path.merged_into
)
update segment.subject set person_no = path.person_no
from path
where path.merged_into is null and path.person_no <> path.start_no
  and subject.workspace_id = :workspace_id::int and subject.person_no = path.start_no
returning subject_no
