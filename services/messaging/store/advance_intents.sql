-- Moves intents to a new state and writes the trail, one step each, in the order given.
with changes as (
    select *
    from jsonb_to_recordset(:rows) as r(
        place integer, intent_id uuid, state text, said text, channel text, channel_index smallint, reason text,
        detail jsonb, attempts integer
    )
), moved as (
    update intent i
    set state = c.state,
        channel = c.channel,
        channel_index = c.channel_index,
        reason = c.reason,
        detail = c.detail,
        attempts = c.attempts,
        changed_at = :now
    from changes c
    where i.workspace_id = :workspace_id
      and i.intent_id = c.intent_id
    returning i.intent_id
)
insert into step (workspace_id, intent_id, at, state, channel, reason, detail)
select :workspace_id, c.intent_id, :now, c.said, c.channel, c.reason, c.detail
from changes c
join moved using (intent_id)
where c.said <> ''
order by c.place
