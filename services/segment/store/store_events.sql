-- Which subjects have events under which persons. Rows that say nothing new are not written.
insert into segment.subject as known (workspace_id, subject_no, person_no, stored_under)
select
    :workspace_id::int,
    given.subject_no,
    case
        when person.merged_into is null then given.last_person
        else segment.present_person(:workspace_id::int, given.last_person)
    end,
    given.persons
from (
    select
        subject_no,
        array_agg(distinct person_no) as persons,
        (array_agg(person_no order by position desc))[1] as last_person
    from unnest(:subject_nos::bigint[], :person_nos::int[]) with ordinality as pair (subject_no, person_no, position)
    group by subject_no
) as given
left join segment.person as person
    on person.workspace_id = :workspace_id::int and person.person_no = given.last_person
on conflict (workspace_id, subject_no) do update
set stored_under = (
    select array_agg(distinct every_one order by every_one)
    from unnest(known.stored_under || excluded.stored_under) as both_sides (every_one)
)
where not known.stored_under @> excluded.stored_under
