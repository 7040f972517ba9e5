-- The slot and the handoff of each message that may go, in the state `submitted`: committed before any provider hears.
with leaving as (
    select *
    from jsonb_to_recordset(:rows) as r(
        intent_id uuid, channel text, message_id text, address_lookup text, address_sealed text, content_sealed text,
        language text, template_version integer
    )
), reserved as (
    insert into reservation (
        workspace_id, intent_id, channel, person_no, state, message_class, category, campaign, topic, content_key,
        window_ends_at, at
    )
    select
        :workspace_id, i.intent_id, l.channel, i.person_no, 'reserved', i.message_class, i.category, i.campaign,
        i.topic, i.content_key, i.window_ends_at, :now
    from leaving l
    join intent i on i.workspace_id = :workspace_id and i.intent_id = l.intent_id
    on conflict (workspace_id, intent_id, channel) do update
    set state = 'reserved', at = excluded.at, person_no = excluded.person_no
)
insert into handoff as h (
    workspace_id, intent_id, channel, message_id, state, address_lookup, address_sealed, content_sealed, language,
    template_version, submitted_at, changed_at
)
select
    :workspace_id, intent_id, channel, message_id, 'submitted', decode(address_lookup, 'hex'), address_sealed,
    content_sealed, language, template_version, :now, :now
from leaving
on conflict (workspace_id, intent_id, channel) do update
set state = 'submitted',
    attempt = h.attempt + 1,
    address_lookup = excluded.address_lookup,
    address_sealed = excluded.address_sealed,
    content_sealed = excluded.content_sealed,
    language = excluded.language,
    template_version = excluded.template_version,
    submitted_at = excluded.submitted_at,
    changed_at = excluded.changed_at
returning h.intent_id, h.channel, h.attempt
