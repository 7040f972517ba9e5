-- Which of these persons are merged, and who they are now. Index: person_merged, which holds hardly anybody.
select person_no, segment.present_person(:workspace_id::int, person_no) as present
from segment.person
where workspace_id = :workspace_id::int and person_no = any(:person_nos::int[]) and merged_into is not null
