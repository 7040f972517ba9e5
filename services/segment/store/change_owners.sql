-- Keep, per subject, the fact with the greatest version; a merged owner stands for the end of his merges.
with given as (
    select distinct on (subject_no) subject_no, person_no, version
    from unnest(:subject_nos::bigint[], :person_nos::int[], :versions::bigint[]) as fact (subject_no, person_no, version)
    order by subject_no, version desc
), resolved as (
    select
        given.subject_no,
        case
            when person.merged_into is null then given.person_no
            else segment.present_person(:workspace_id::int, given.person_no)
        end as person_no,
        given.version
    from given
    left join segment.person as person
        on person.workspace_id = :workspace_id::int and person.person_no = given.person_no
), before as (
    select subject.subject_no, subject.person_no
    from segment.subject
    join resolved on resolved.subject_no = subject.subject_no
    where subject.workspace_id = :workspace_id::int
), changed as (
    insert into segment.subject as known (workspace_id, subject_no, person_no, version)
    select :workspace_id::int, subject_no, person_no, version from resolved
    on conflict (workspace_id, subject_no) do update
    set person_no = excluded.person_no, version = excluded.version
    where known.version < excluded.version
    returning known.subject_no, known.person_no
)
select changed.subject_no, changed.person_no, before.person_no as person_before
from changed
join before on before.subject_no = changed.subject_no
where before.person_no <> changed.person_no
