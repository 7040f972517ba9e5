-- The numbers under which events of persons may lie: past owners of their subjects, those of subjects that were theirs for
-- a time, and, while a squash goes on, whoever its subjects lay under before.
select distinct under.person_no
from segment.subject
cross join unnest(subject.stored_under) as under (person_no)
where subject.workspace_id = :workspace_id::int and subject.moved and subject.person_no = any(:person_nos::int[])
union
select under.person_no
from segment.ownership_span as span
join segment.subject on subject.workspace_id = span.workspace_id and subject.subject_no = span.subject_no
cross join unnest(subject.stored_under) as under (person_no)
where span.workspace_id = :workspace_id::int and span.person_no = any(:person_nos::int[])
union
select under.person_no
from segment.squash_subject as squashed
join segment.subject on subject.workspace_id = squashed.workspace_id and subject.subject_no = squashed.subject_no
cross join unnest(squashed.stored_under) as under (person_no)
where squashed.workspace_id = :workspace_id::int and (
    subject.person_no = any(:person_nos::int[])
    or exists (
        select from segment.ownership_span as span
        where span.workspace_id = squashed.workspace_id and span.subject_no = squashed.subject_no
          and span.person_no = any(:person_nos::int[])
    )
)
