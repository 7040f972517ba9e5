-- Ledger and queue in one statement; an intent whose key is known leaves no trace and is not returned.
with incoming as (
    select *
    from jsonb_to_recordset(:rows) as r(
        intent_id uuid, idempotency_key text, person_no integer, side_no integer, subject_no integer, person_id uuid,
        origin text, journey_id uuid, journey_version integer, run_id uuid, node text, visit integer, campaign_id uuid, campaign text,
        template_id uuid, template_key text, content jsonb, content_key text, channels jsonb, message_class text,
        purpose text, category text, topic text, priority integer, value double precision, on_lose text,
        fallback_after_seconds double precision, window_ends_at timestamptz, context jsonb, sealed text,
        requested_at timestamptz, received_at timestamptz, expires_at timestamptz, due_at timestamptz
    )
), added as (
    insert into intent (
        workspace_id, intent_id, idempotency_key, person_no, side_no, subject_no, person_id, origin, journey_id,
        journey_version, run_id, node, visit, campaign_id, campaign, template_id, template_key, content, content_key, channels, message_class,
        purpose, category, topic, priority, value, on_lose, fallback_after_seconds, window_ends_at, context, sealed,
        requested_at, received_at, expires_at, changed_at
    )
    select
        :workspace_id, intent_id, idempotency_key, person_no, side_no, subject_no, person_id, origin, journey_id,
        journey_version, run_id, node, visit, campaign_id, campaign, template_id, template_key, content, decode(content_key, 'hex'),
        array(select jsonb_array_elements_text(channels)), message_class, purpose, category, topic, priority, value,
        on_lose, fallback_after_seconds, window_ends_at, context, sealed, requested_at, received_at, expires_at,
        requested_at
    from incoming
    order by idempotency_key
    on conflict (workspace_id, idempotency_key) do nothing
    returning intent_id, message_class
), queued as (
    insert into intent_queue (workspace_id, intent_id, step, lane, due_at)
    select :workspace_id, a.intent_id, 'send', case a.message_class when 'transactional' then 0 else 1 end, i.due_at
    from added a
    join incoming i using (intent_id)
)
select intent_id from added
