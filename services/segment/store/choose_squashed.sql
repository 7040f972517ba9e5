-- Subjects whose rows are to be laid under their owner; those with owners by time have none. Locked ones are left for the next time: nobody is waited for.
-- From here on stored_under holds their owner, and whom later events come in under. Index: subject_overridden.
with chosen as (
    select subject_no, person_no, stored_under from segment.subject
    where workspace_id = :workspace_id::int and overridden and person_no <> 0
      and not exists (
          select from segment.ownership_span as span
          where span.workspace_id = subject.workspace_id and span.subject_no = subject.subject_no
      )
    order by subject_no limit :most::int
    for update skip locked
), kept as (
    insert into segment.squash_subject (workspace_id, subject_no, person_no, stored_under)
    select :workspace_id::int, subject_no, person_no, stored_under from chosen
    returning subject_no
), laid as (
    update segment.subject set stored_under = array[subject.person_no]
    from chosen
    where subject.workspace_id = :workspace_id::int and subject.subject_no = chosen.subject_no
    returning subject.subject_no
)
select count(*)::int from kept join laid using (subject_no)
