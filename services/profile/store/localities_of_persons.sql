-- The latest zone and language over the identifiers each person owns now. Plan: ownership_by_person -> subject.
select o.person_no,
    (array_agg(s.timezone order by s.timezone_at desc, s.timezone desc) filter (where s.timezone is not null))[1] as timezone,
    (array_agg(s.locale order by s.locale_at desc, s.locale desc) filter (where s.locale is not null))[1] as locale
from ownership o
join subject s on s.workspace_id = o.workspace_id and s.subject_no = o.subject_no
where o.workspace_id = :workspace_id and o.person_no = any(:person_nos::int[])
  and o.valid_to = '9999-12-31 00:00:00+00' and (s.timezone is not null or s.locale is not null)
group by o.person_no
