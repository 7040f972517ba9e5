-- Subjects held by merged persons go to whom these are now. Index: subject_of_person.
update segment.subject set person_no = given.present
from unnest(:person_nos::int[], :presents::int[]) as given (person_no, present)
where subject.workspace_id = :workspace_id::int and subject.person_no = given.person_no
returning subject_no
