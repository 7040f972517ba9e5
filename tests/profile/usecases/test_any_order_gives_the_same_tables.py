"""Messages commute: any order, repetition and cutting into batches of the same set ends in the same rows."""

from itertools import count
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.messaging.message_progressed import MessageProgressed
from libs.common.contracts.profile.consent_changed import ConsentChanged
from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.db import Tx
from services.profile.usecases.erase_person import erase_person
from services.profile.usecases.place_persons import place_persons
from services.profile.usecases.record_events import record_events
from services.profile.usecases.record_progress import record_messages
from services.profile.usecases.take_ownership import take_ownership
from tests.profile.saying import an_event, dump, erased, identify, merged, owns, progressed, some_means

workspaces = count(100)
persons = st.integers(1, 3)
subjects = st.integers(1, 5)
minutes = st.integers(0, 6)
values = st.sampled_from(["gold", "silver", 7, ["a"]])

identifies = st.builds(
    lambda person, subject, minute, name, value, source: identify(
        person, subject, minute=minute, traits={name: value}, source_id=source
    ),
    persons,
    subjects,
    minutes,
    st.sampled_from(["tier", "$set_once"]),
    st.one_of(values, st.just({"tier": "once"})),
    st.integers(1, 2),
)
unsets = st.builds(
    lambda person, subject, minute: identify(person, subject, minute=minute, traits={"$unset": ["tier"]}),
    persons, subjects, minutes,
)  # fmt: skip
addresses = st.builds(
    lambda person, subject, minute, name: identify(
        person, subject, minute=minute, personal={"email": f"{name}@example.com"}, authenticated=True,
        traits={"verified": True},
    ),
    persons, subjects, minutes, st.sampled_from("ab"),
)  # fmt: skip
consents = st.builds(
    lambda person, subject, minute, word, channel, known: an_event(
        person, subject, minute=minute, name=word, properties={"channel": channel}, authenticated=known,
        context={"timezone": f"Zone/{minute}", "locale": "zh-CN"},
    ),
    persons, subjects, minutes, st.sampled_from(["Consent Granted", "Consent Withdrawn"]),
    st.sampled_from(["email", "*"]), st.booleans(),
)  # fmt: skip
ownerships = st.builds(
    lambda person, subject, version, since, received: owns(person, subject, version, since=since, received=received),
    persons, subjects, st.integers(1, 4), st.one_of(st.none(), minutes), minutes,
)  # fmt: skip
messages = st.builds(
    lambda person, state, minute: progressed(person, state, minute=minute),
    persons, st.sampled_from(["sent", "bounced", "unsubscribed"]), minutes,
)  # fmt: skip
merges = st.builds(lambda version: merged(1, 2, version), st.integers(1, 3))
erasures = st.just(None).map(lambda _: erased(3, (5,)))
scenes = st.lists(
    st.one_of(identifies, identifies, unsets, addresses, consents, ownerships, ownerships, messages, merges, erasures),
    min_size=2,
    max_size=10,
).map(lambda said: _without_handed_over(list({_identity(event): event for event in said}.values())))


def _without_handed_over(scene: list[Any]) -> list[Any]:
    """Leave out what an erased person did on identifiers that are not erased with him.

    Erasure deletes it by the intervals as they stand then: the one thing that hangs on what had arrived.
    """
    gone = {event.person_no: event.subject_nos for event in scene if isinstance(event, PersonErased)}
    return [
        event
        for event in scene
        if not isinstance(event, EventRecorded | OwnershipChanged)
        or event.person_no not in gone
        or event.subject_no in gone[event.person_no]
    ]


def _identity(event: Any) -> Any:
    """Identity says one thing of an identifier per version, and of a person per graph version."""
    if isinstance(event, OwnershipChanged):
        return event.subject_no, event.version, event.since
    return getattr(event, "graph_version", event.id)


async def hear(tx: Tx, workspace_id: int, batch: list[Any]) -> None:
    """Apply a batch of one contract."""
    means = some_means()
    said = [msgspec.structs.replace(event, workspace_id=workspace_id) for event in batch]
    if isinstance(said[0], EventRecorded):
        await record_events(tx, said, means=means)
    elif isinstance(said[0], OwnershipChanged):
        await take_ownership(tx, said, means=means)
    elif isinstance(said[0], MessageProgressed):
        await record_messages(tx, said, means=means)
    elif isinstance(said[0], PersonErased):
        for event in said:
            await erase_person(tx, event, means=means)
    else:
        await place_persons(tx, said)


async def play(database, batches: list[list[Any]]) -> dict[str, list[str]]:
    workspace_id = next(workspaces)
    for batch in batches:
        async with database.worker.transaction(workspace_id) as tx:
            await hear(tx, workspace_id, batch)
    async with database.worker.transaction(workspace_id) as tx:
        await published_is_what_is_kept(tx)
        return await dump(tx, workspace_id)


async def published_is_what_is_kept(tx: Tx) -> None:
    """The newest version of everything said outside equals the tables."""
    newest: dict[Any, Any] = {}
    states: dict[Any, Any] = {}
    contracts = {contract.subject: contract for contract in (TraitChanged, ConsentChanged)}
    said = await tx.driver.fetch(
        "select subject, payload from outbox_log where subject = any($1) order by log_id", list(contracts)
    )
    for row in said:
        contract = contracts[row["subject"]]
        for line in row["payload"].splitlines():
            event = msgspec.json.decode(line, type=contract)
            if isinstance(event, TraitChanged):
                key: Any = (event.person_no, event.name)
                assert key not in newest or event.version > newest[key].version
                newest[key] = event
            else:
                key = (event.person_no, event.purpose, event.channel, event.topic)
                assert key not in states or event.version > states[key].version
                states[key] = event
    gone = {r["person_no"] for r in await tx.driver.fetch("select person_no from person where state = 'erased'")}
    views = await tx.driver.fetch("select * from trait_view where value is not null or sealed is not null")
    assert {(v["person_no"], v["trait"]): (v["since"], v["version"]) for v in views} == {
        key: (event.since, event.version) for key, event in newest.items() if not event.removed and key[0] not in gone
    }
    kept = await tx.driver.fetch("select * from consent_state where state <> 'unknown'")
    assert {(c["person_no"], c["purpose"], c["channel"], c["topic"]): (c["state"], c["version"]) for c in kept} == {
        key: (e.state, e.version) for key, e in states.items() if e.state != "unknown" and key[0] not in gone
    }


def cut(events: list[Any], random: Any) -> list[list[Any]]:
    """Cut a sequence into batches of one contract each."""
    batches: list[list[Any]] = []
    for event in events:
        if batches and type(batches[-1][-1]) is type(event) and random.random() < 0.6:
            batches[-1].append(event)
        else:
            batches.append([event])
    return batches


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(scene=scenes, random=st.randoms(use_true_random=False))
async def test_any_order_gives_the_same_tables(profile_database, scene, random):
    shuffled = [*scene, *random.sample(scene, len(scene) // 2)]
    random.shuffle(shuffled)
    straight = await play(profile_database, [[event] for event in scene])
    other = await play(profile_database, cut(shuffled, random))
    assert other == straight
