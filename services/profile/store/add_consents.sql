-- Appends lines. Primary key of consent_ledger.
insert into consent_ledger (
    workspace_id, statement_id, event_id, subject_no, person_no, lookup, purpose, channel, topic, state, event_time,
    received_at, expires_at, source, source_id, legal_basis, text_version, text_hash, actor, proof
)
select * from unnest(
    :workspace_ids::int[], :statement_ids::uuid[], :event_ids::uuid[], :subject_nos::int[], :person_nos::int[],
    :lookups::bytea[], :purposes::text[], :channels::text[], :topics::text[], :states::text[],
    :event_times::timestamptz[], :received::timestamptz[], :expiries::timestamptz[], :sources::text[],
    :source_ids::int[], :legal_bases::text[], :text_versions::text[], :text_hashes::text[], :actors::text[],
    :proofs::bytea[]
)
on conflict do nothing
