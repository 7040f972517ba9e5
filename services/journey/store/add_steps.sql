insert into step_log (workspace_id, run_id, sequence, journey_id, version, node, visit, arrived, departed, branch,
                      reason, details, at)
select s.workspace_id, s.run_id, s.sequence, s.journey_id, s.version, s.node, s.visit, s.arrived, s.departed, s.branch,
       s.reason, s.details::json, s.at
from unnest(
    :workspace_ids::int[], :run_ids::uuid[], :sequences::int[], :journey_ids::uuid[], :versions::int[], :nodes::text[],
    :visits::int[], :arrived::boolean[], :departed::boolean[], :branches::text[], :reasons::text[], :details::text[],
    :ats::timestamptz[]
) as s(workspace_id, run_id, sequence, journey_id, version, node, visit, arrived, departed, branch, reason, details, at)
