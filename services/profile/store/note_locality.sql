-- The latest zone and language per identifier, one row each; equal times go to the greater text. Primary key of subject.
update subject s set
    timezone = case when (n.timezone_at, n.timezone) > (s.timezone_at, s.timezone) or s.timezone_at is null
        then coalesce(n.timezone, s.timezone) else s.timezone end,
    timezone_at = case when (n.timezone_at, n.timezone) > (s.timezone_at, s.timezone) or s.timezone_at is null
        then coalesce(n.timezone_at, s.timezone_at) else s.timezone_at end,
    locale = case when (n.locale_at, n.locale) > (s.locale_at, s.locale) or s.locale_at is null
        then coalesce(n.locale, s.locale) else s.locale end,
    locale_at = case when (n.locale_at, n.locale) > (s.locale_at, s.locale) or s.locale_at is null
        then coalesce(n.locale_at, s.locale_at) else s.locale_at end
from unnest(
    :workspace_ids::int[], :subject_nos::int[], :timezone_ats::timestamptz[], :timezones::text[],
    :locale_ats::timestamptz[], :locales::text[]
) n (workspace_id, subject_no, timezone_at, timezone, locale_at, locale)
where s.workspace_id = n.workspace_id and s.subject_no = n.subject_no and not s.erased
