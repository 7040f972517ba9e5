"""Streams and consumers as they stand on a real server."""

from nats.js import api

from libs.common.bus import NatsBus


async def test_a_stream_keeps_by_age_refuses_when_full_and_is_on_disk(nats_bus: NatsBus) -> None:
    await nats_bus.ensure_stream("sample")
    config = (await nats_bus._jetstream.stream_info("sample")).config
    assert config.subjects == ["sample.>"]
    assert config.retention == api.RetentionPolicy.LIMITS
    assert config.discard == api.DiscardPolicy.NEW
    assert config.storage == api.StorageType.FILE
    assert config.max_age == 72 * 3600
    assert config.max_bytes == 2**30


async def test_a_stream_that_drifted_is_corrected(nats_bus: NatsBus) -> None:
    await nats_bus.ensure_stream("sample")
    config = (await nats_bus._jetstream.stream_info("sample")).config
    config.discard = api.DiscardPolicy.OLD
    await nats_bus._jetstream.update_stream(config)
    await nats_bus.ensure_stream("sample")
    assert (await nats_bus._jetstream.stream_info("sample")).config.discard == api.DiscardPolicy.NEW


async def test_a_consumer_is_explicit_durable_and_never_given_up_by_the_server(nats_bus: NatsBus) -> None:
    await nats_bus.ensure_stream("sample")
    consumer = await nats_bus.consumer("sample", "sample-on_note_written", "sample.note.written.v1", 30)
    config = (await nats_bus._jetstream.consumer_info("sample", "sample-on_note_written")).config
    assert config.filter_subject == "sample.note.written.v1.*"
    assert config.ack_policy == api.AckPolicy.EXPLICIT
    assert config.ack_wait == 30
    assert config.max_deliver == -1
    config.ack_wait = 5
    await nats_bus._jetstream.add_consumer("sample", config)
    await consumer.close()
    await nats_bus.consumer("sample", "sample-on_note_written", "sample.note.written.v1", 30)
    assert (await nats_bus._jetstream.consumer_info("sample", "sample-on_note_written")).config.ack_wait == 30
