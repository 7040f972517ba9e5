-- The latest zone and language per identifier; equal times go to the greater text. Primary key of subject.
with said as (
    select * from unnest(
        :workspace_ids::int[], :subject_nos::int[], :times::timestamptz[], :timezones::text[], :locales::text[]
    ) as t (workspace_id, subject_no, at, timezone, locale)
),
zone as (
    select distinct on (workspace_id, subject_no) workspace_id, subject_no, timezone, at
    from said where timezone is not null
    order by workspace_id, subject_no, at desc, timezone desc
),
language as (
    select distinct on (workspace_id, subject_no) workspace_id, subject_no, locale, at
    from said where locale is not null
    order by workspace_id, subject_no, at desc, locale desc
),
latest as (
    select workspace_id, subject_no, z.timezone, z.at as timezone_at, l.locale, l.at as locale_at
    from zone z full join language l using (workspace_id, subject_no)
)
update subject s set
    timezone = case when newer.zone then n.timezone else s.timezone end,
    timezone_at = case when newer.zone then n.timezone_at else s.timezone_at end,
    locale = case when newer.language then n.locale else s.locale end,
    locale_at = case when newer.language then n.locale_at else s.locale_at end
from latest n, lateral (select workspace_id, subject_no, timezone, timezone_at, locale, locale_at from subject o
    where o.workspace_id = n.workspace_id and o.subject_no = n.subject_no) o,
lateral (
    select
        n.timezone_at is not null and (o.timezone_at is null or (n.timezone_at, n.timezone) > (o.timezone_at, o.timezone)),
        n.locale_at is not null and (o.locale_at is null or (n.locale_at, n.locale) > (o.locale_at, o.locale))
) newer (zone, language)
where s.workspace_id = n.workspace_id and s.subject_no = n.subject_no and not s.erased
  and (newer.zone or newer.language)
