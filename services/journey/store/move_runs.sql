-- Take the runs inside over to a new version, except those in nodes where the author said: stay.
update run set version = :version
where workspace_id = :workspace_id and journey_id = :journey_id and live and version < :version
  and node <> all(:staying::text[])
