-- Suggestions, newest first. Open ones only while their sides are two persons, whom nobody has refused under another
-- pair of identifiers, and while something speaks for it: a score, a link that is refused because of the two (mostly the
-- one that made the suggestion, else any other between the two persons, so that no order of evidence shows other
-- suggestions than another), or an inference that nobody took back, neither of whose identifiers is shared by many. Nobody
-- is suggested who has withdrawn what linking identifiers of his kind is for (Consents.forbids); `purposes` by namespace.
-- Indexes: suggestion_pkey, node_pkey, node_owner, suggestion_pair, link_pkey.
select
    s.suggestion_id, s.origin, s.also, s.reason, s.score, s.waterfall, s.state, s.created_at, s.decided_at, s.author,
    s.low_no, s.high_no, l.person_no as low_person, h.person_no as high_person
from suggestion s
join node l on l.workspace_id = s.workspace_id and l.node_no = s.low_no
join node h on h.workspace_id = s.workspace_id and h.node_no = s.high_no
where s.workspace_id = :workspace_id
    and (:state::text is null or s.state = :state)
    and (:origin::text is null or :origin = any(s.also || s.origin))
    and (:suggestion_id::uuid is null or s.suggestion_id = :suggestion_id)
    and (:before::uuid is null or s.suggestion_id < :before)
    and (s.state <> 'open' or (
        l.person_no <> h.person_no
        and not exists (
            select from (values (l.namespace, l.permissions), (h.namespace, h.permissions)) as side (namespace, said)
            cross join lateral (
                select
                    case when :purposes::jsonb ? side.namespace then :purposes::jsonb ->> side.namespace else 'linking' end
            ) as asked (purpose)
            cross join lateral (
                select
                    max(word) filter (where purpose = asked.purpose) as his,
                    max(word) filter (where purpose = '*') as of_all
                from (
                    select distinct on (p.purpose) p.purpose, step ->> 'state' as word
                    from jsonb_each(side.said) as p (purpose, told)
                    cross join jsonb_array_elements(p.told -> 'steps') with ordinality as e (step, place)
                    where (step ->> 'since')::timestamptz <= :now
                    order by p.purpose, place desc
                ) as counting
            ) as words
            where asked.purpose is not null and (
                words.his = 'withdrawn' or (words.of_all = 'withdrawn' and words.his is distinct from 'granted')
            )
        )
        and (
            'score' = any(s.also || s.origin)
            or exists (
                select 1 from link k
                where k.workspace_id = s.workspace_id and k.low_no = s.link_low and k.high_no = s.link_high
                    and k.state = 'suppressed' and (k.reason = 'leaf' or k.reason like 'limit:%')
                    and (k.blocker_low, k.blocker_high) in ((s.low_no, s.high_no), (s.high_no, s.low_no))
            )
            or exists (
                select 1 from node n
                join link k on k.workspace_id = n.workspace_id and k.low_no = n.node_no
                where n.workspace_id = s.workspace_id and n.person_no in (l.person_no, h.person_no)
                    and k.state = 'suppressed' and (k.reason = 'leaf' or k.reason like 'limit:%')
                    and (k.blocker_low, k.blocker_high) in ((s.low_no, s.high_no), (s.high_no, s.low_no))
            )
            or ('inferred' = any(s.also || s.origin) and not l.is_shared and not h.is_shared and not exists (
                select 1 from link k
                where k.workspace_id = s.workspace_id and k.low_no = s.low_no and k.high_no = s.high_no
                    and (k.state is distinct from 'suppressed' or k.reason = 'consent')
            ))
        )
        and not exists (
            select 1 from suggestion r
            join node a on a.workspace_id = r.workspace_id and a.node_no = r.low_no
            join node b on b.workspace_id = r.workspace_id and b.node_no = r.high_no
            where r.workspace_id = s.workspace_id and r.state = 'refused'
                and r.low_no in (
                    select n.node_no from node n
                    where n.workspace_id = s.workspace_id and n.person_no in (l.person_no, h.person_no)
                )
                and a.person_no + b.person_no = l.person_no + h.person_no
                and a.person_no in (l.person_no, h.person_no)
        )
    ))
order by s.suggestion_id desc
limit :row_limit
