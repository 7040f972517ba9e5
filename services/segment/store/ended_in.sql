-- Who was merged into these persons, however indirectly. Walks the merges downwards by person_merged_into; hardly
-- anybody has any. A product of the given persons and the table is avoided by the lateral.
select asked.person_no, merged.person_no as ended
from unnest(:person_nos::int[]) as asked (person_no)
cross join lateral (
    with recursive merged as (
        select part.person_no from segment.person as part
        where part.workspace_id = :workspace_id::int and part.merged_into = asked.person_no
        union
        select part.person_no
        from merged
        join segment.person as part
          on part.workspace_id = :workspace_id::int and part.merged_into = merged.person_no
    )
    select person_no from merged
) as merged
