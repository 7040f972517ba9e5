-- Keep, per subject, the fact with the greatest version; a merged owner stands for the end of his merges. Told again,
-- a fact says only whether its subject names somebody.
with given as (
    select distinct on (subject_no) subject_no, person_no, version, naming
    from unnest(:subject_nos::bigint[], :person_nos::int[], :versions::bigint[], :naming::boolean[])
        as fact (subject_no, person_no, version, naming)
    order by subject_no, version desc
), resolved as (
    select
        given.subject_no,
        case
            when person.merged_into is null then given.person_no
            else segment.present_person(:workspace_id::int, given.person_no)
        end as person_no,
        given.version,
        given.naming
    from given
    left join segment.person as person
        on person.workspace_id = :workspace_id::int and person.person_no = given.person_no
), before as (
    select subject.subject_no, subject.person_no, subject.naming
    from segment.subject
    join resolved on resolved.subject_no = subject.subject_no
    where subject.workspace_id = :workspace_id::int
), changed as (
    insert into segment.subject as known (workspace_id, subject_no, person_no, version, naming)
    select :workspace_id::int, subject_no, person_no, version, naming from resolved
    on conflict (workspace_id, subject_no) do update
    set person_no = case when known.version < excluded.version then excluded.person_no else known.person_no end,
        version = excluded.version, naming = excluded.naming
    where known.version < excluded.version or (known.version = excluded.version and known.naming <> excluded.naming)
    returning known.subject_no, known.person_no, known.naming
)
select
    changed.subject_no, changed.person_no, changed.naming,
    before.person_no as person_before, coalesce(before.naming, false) as naming_before
from changed
left join before on before.subject_no = changed.subject_no
