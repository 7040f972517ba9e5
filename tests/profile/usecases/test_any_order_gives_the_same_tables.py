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
from libs.common.contracts.profile.contact_changed import ContactChanged
from libs.common.contracts.profile.permission_changed import PermissionChanged
from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.db import Tx
from services.profile.domain.contact import usable_channels
from services.profile.domain.tag import PropertyFilter, Tag
from services.profile.store import tags
from services.profile.usecases.erase_person import erase_person
from services.profile.usecases.place_persons import place_persons
from services.profile.usecases.read_person import read_contact_points
from services.profile.usecases.record_events import record_events
from services.profile.usecases.record_progress import record_messages
from services.profile.usecases.tag_by_events import tag_by_history
from services.profile.usecases.take_ownership import take_ownership
from tests.profile.saying import START, an_event, dump, erased, identify, merged, owns, progressed, some_means

workspaces = count(100)
persons = st.integers(1, 3)
subjects = st.integers(1, 5)
minutes = st.integers(0, 6)
values = st.sampled_from(["gold", "silver", 7, ["a"]])

IDENTIFIERS = {subject: {"namespace": "phone", "scope": "", "value": f"+861391234000{subject}"} for subject in (4, 5)}

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
numbers = st.builds(
    lambda person, subject, minute, number: identify(person, subject, minute=minute, personal={"mobile": number}),
    persons, subjects, minutes,
    st.sampled_from(["139 1234 0004", "+8613912340004", "+8613912340005", "+8613912340006"]),
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
    lambda person, subject, version, since, long, received: owns(
        person, subject, version, since=since, received=received,
        until=None if since is None or long is None else since + long, **IDENTIFIERS.get(subject, {}),
    ),
    persons, subjects, st.integers(1, 4), st.one_of(st.none(), minutes), st.one_of(st.none(), st.integers(1, 3)),
    minutes,
)  # fmt: skip
messages = st.builds(
    lambda person, state, minute, channel: progressed(person, state, minute=minute, channel=channel),
    persons, st.sampled_from(["sent", "bounced", "unsubscribed"]), minutes, st.sampled_from(["email", "sms"]),
)  # fmt: skip
merges = st.builds(lambda version: merged(1, 2, version), st.integers(1, 3))
erasures = st.just(None).map(lambda _: erased(3, (5,)))
scenes = st.lists(
    st.one_of(
        identifies, identifies, unsets, addresses, numbers, numbers, consents, ownerships, ownerships, messages, merges,
        erasures,
    ),
    min_size=2,
    max_size=10,
)  # fmt: skip
scenes = scenes.map(lambda said: _without_handed_over(list({_identity(event): event for event in said}.values())))

# nothing but telephone numbers: whoever gives one, and whose it is
givers = st.builds(
    lambda person, minute, number: identify(person, person, minute=minute, personal={"mobile": number}),
    persons, minutes, st.sampled_from(["139 1234 0004", "+8613912340005"]),
)  # fmt: skip
lines = st.builds(
    lambda person, subject, version, since, long: owns(
        person, subject, version, since=since, until=None if since is None or long is None else since + long,
        **IDENTIFIERS[subject],
    ),
    persons, st.sampled_from([4, 5]), st.integers(1, 4), st.one_of(st.none(), minutes),
    st.one_of(st.none(), st.none(), st.integers(1, 3)),
)  # fmt: skip
through_lines = st.builds(
    lambda person, subject, minute: an_event(person, subject, minute=minute), persons, st.sampled_from([4, 5]), minutes
)
erasures_of_three = st.just(None).map(lambda _: erased(3, (3, 5)))
handed_on = st.lists(
    st.one_of(givers, givers, lines, lines, lines, through_lines, merges, erasures_of_three, messages),
    min_size=3,
    max_size=9,
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


KEEN = Tag(
    tag="keen", group="", owner="", description="", kind="event", refresh="streaming", ttl_seconds=600,
    event="Consent Granted", filters=(PropertyFilter("channel", "equals", "email"),),
)  # fmt: skip


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
    async with database.worker.transaction(workspace_id) as tx:
        await tags.save(tx, workspace_id, KEEN, START)
    for batch in batches:
        async with database.worker.transaction(workspace_id) as tx:
            await hear(tx, workspace_id, batch)
    async with database.worker.transaction(workspace_id) as tx:
        await published_is_what_is_kept(tx)
        await channels_are_those_of_the_addresses(tx, workspace_id)
        before = await dump(tx, workspace_id)
        await tag_by_history(tx, workspace_id, KEEN, after_no=0, limit=100, received_at=START)
        assert await dump(tx, workspace_id) == before, "tags equal a full recompute"
        return await dump(tx, workspace_id)


async def published_is_what_is_kept(tx: Tx) -> None:
    """The newest version of everything said outside equals the tables."""
    newest: dict[Any, Any] = {}
    states: dict[Any, Any] = {}
    reached: dict[Any, Any] = {}
    permitted: dict[Any, Any] = {}
    kinds = (TraitChanged, ConsentChanged, ContactChanged, PermissionChanged)
    contracts = {contract.subject: contract for contract in kinds}
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
            elif isinstance(event, ContactChanged):
                key = (event.person_no, event.channel)
                assert key not in reached or event.version > reached[key].version
                reached[key] = event
            elif isinstance(event, PermissionChanged):
                key = (event.subject_no, event.purpose)
                assert key not in permitted or event.version > permitted[key].version
                permitted[key] = event
            else:
                key = (event.person_no, event.purpose, event.channel, event.topic)
                assert key not in states or event.version > states[key].version
                states[key] = event
    gone = {r["person_no"] for r in await tx.driver.fetch("select person_no from person where state = 'erased'")}
    views = await tx.driver.fetch("select * from trait_view where value is not null or sealed is not null")
    assert {(v["person_no"], v["trait"]): (v["since"], v["version"]) for v in views} == {
        key: (event.since, event.version) for key, event in newest.items() if not event.removed and key[0] not in gone
    }
    channels = await tx.driver.fetch("select * from contact_state")
    assert {(c["person_no"], c["channel"]): c["version"] for c in channels} == {
        key: event.version for key, event in reached.items() if event.usable and key[0] not in gone
    }
    kept = await tx.driver.fetch("select * from consent_state where state <> 'unknown'")
    assert {(c["person_no"], c["purpose"], c["channel"], c["topic"]): (c["state"], c["version"]) for c in kept} == {
        key: (e.state, e.version) for key, e in states.items() if e.state != "unknown" and key[0] not in gone
    }
    erased_subjects = {r["subject_no"] for r in await tx.driver.fetch("select subject_no from subject where erased")}
    kept = await tx.driver.fetch("select * from permission")
    assert {(p["subject_no"], p["purpose"]): (len(p["steps"]), p["version"]) for p in kept} == {
        key: (len(e.steps), e.version) for key, e in permitted.items() if e.steps and key[0] not in erased_subjects
    }


async def channels_are_those_of_the_addresses(tx: Tx, workspace_id: int) -> None:
    """What was last said of channels is what the addresses and reports of today come to, for everybody."""
    numbers = [r["person_no"] for r in await tx.driver.fetch("select person_no from person where state <> 'erased'")]
    points = await read_contact_points(tx, workspace_id, numbers)
    wanted = {(number, channel) for number, known in points.items() for channel in usable_channels(known)}
    kept = await tx.driver.fetch("select person_no, channel from contact_state")
    assert {tuple(row) for row in kept} == wanted


def cut(events: list[Any], random: Any) -> list[list[Any]]:
    """Cut a sequence into batches of one contract each."""
    batches: list[list[Any]] = []
    for event in events:
        if batches and type(batches[-1][-1]) is type(event) and random.random() < 0.6:
            batches[-1].append(event)
        else:
            batches.append([event])
    return batches


async def ends_the_same_in_any_order(database, scene: list[Any], random: Any) -> None:
    shuffled = [*scene, *random.sample(scene, len(scene) // 2)]
    random.shuffle(shuffled)
    straight = await play(database, [[event] for event in scene])
    other = await play(database, cut(shuffled, random))
    assert other == straight


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(scene=scenes, random=st.randoms(use_true_random=False))
async def test_any_order_gives_the_same_tables(profile_database, scene, random):
    await ends_the_same_in_any_order(profile_database, scene, random)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(scene=handed_on, random=st.randoms(use_true_random=False))
async def test_case_13_any_order_of_numbers_that_change_hands_gives_the_same_tables(profile_database, scene, random):
    await ends_the_same_in_any_order(profile_database, scene, random)
