-- What happened to a person: identifiers gained and lost, ids that ended and came back.
-- Indexes: ownership_person, ownership_pkey, person_redirect_pkey.
with mine as (
    select distinct node_no from ownership where workspace_id = :workspace_id and person_no = :person_no
),
owned as (
    select
        o.node_no, o.version, o.person_no, o.since, o.recorded_at,
        lag(o.person_no) over (partition by o.node_no order by o.version) as before_no
    from mine
    join ownership o on o.workspace_id = :workspace_id and o.node_no = mine.node_no
)
select
    case when person_no = :person_no then 'gained' else 'lost' end as kind, version, recorded_at, since, node_no,
    case when person_no = :person_no then coalesce(before_no, 0) else person_no end as other_no
from owned
where person_no = :person_no or before_no = :person_no
union all
select
    case when to_no = 0 then 'revived' else 'merged' end, graph_version, recorded_at, null, 0, to_no
from person_redirect where workspace_id = :workspace_id and from_no = :person_no
union all
select 'absorbed', graph_version, recorded_at, null, 0, from_no
from person_redirect where workspace_id = :workspace_id and to_no = :person_no
order by version, kind, node_no, other_no
