-- Takes an outcome over where the handoff is still the attempt it belongs to; a receipt that came first stays.
with outcomes as (
    select *
    from jsonb_to_recordset(:rows) as r(
        intent_id uuid, channel text, attempt integer, state text, error_code text, error_raw text
    )
), settled as (
    update handoff h
    set state = o.state, error_code = o.error_code, error_raw = o.error_raw, changed_at = :now
    from outcomes o
    where h.workspace_id = :workspace_id
      and h.intent_id = o.intent_id
      and h.channel = o.channel
      and h.attempt = o.attempt
      and h.state in ('submitted', 'unknown')
    returning h.intent_id, h.channel, h.state
), confirmed as (
    update reservation r
    set state = 'confirmed'
    from settled s
    where r.workspace_id = :workspace_id and r.intent_id = s.intent_id and r.channel = s.channel
      and s.state in ('sent', 'delivered', 'unknown')
), released as (
    delete from reservation r
    using settled s
    where r.workspace_id = :workspace_id and r.intent_id = s.intent_id and r.channel = s.channel
      and s.state in ('failed', 'not_begun')
)
select intent_id from settled
