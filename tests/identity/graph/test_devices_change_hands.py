"""Cases 4, 5 and 16 on the stored graph: whose a device is, interval by interval, in every order."""

import random
from datetime import datetime, timedelta

import msgspec
import pytest
import pytest_asyncio

import services.identity.namespaces
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.db import statement
from libs.common.painting import owner_at, paint
from libs.common.registry import discover
from services.identity.domain.device_times import holds, signals_of
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.partition import partition
from services.identity.domain.policy import NamespaceKind, PolicySet
from services.identity.store import history
from tests.identity.graph.graphs import Graph
from tests.identity.graph.worlds import EXAMPLES, START, an_identifier, evidence

KINDS = discover(services.identity.namespaces, "namespace", NamespaceKind)
DEFAULTS = PolicySet(1, {kind.name: kind.policy for kind in KINDS})
ANNA = an_identifier("user_id", "anna", "shop")
BOB = an_identifier("user_id", "bob", "shop")
TABLET = an_identifier("device", "9f8a3d2c-1111-4222-8333-444455556666")
PHONE = an_identifier("phone", "+8613912340001")


@pytest_asyncio.fixture
async def graph(graph_of) -> Graph:
    return await graph_of(PolicySet(1, {}), KINDS)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


async def intervals(graph: Graph, device: Identifier = TABLET) -> list[tuple[datetime, int]]:
    """Whose the device is from when on, as it was told."""
    lookup = graph.tools.lookup(graph.workspace_id, device)
    async with graph.database.worker.transaction(graph.workspace_id) as tx:
        number = await tx.fetch_value(statement("select node_no from node where lookup = :lookup"), lookup=lookup)
        said = await history.ownership_of(tx, graph.workspace_id, [number])
    return [(one.valid_from, one.person_no) for one in paint(said)]


async def person_of(graph: Graph, identifier: Identifier) -> int:
    lookup = graph.tools.lookup(graph.workspace_id, identifier)
    async with graph.database.worker.transaction(graph.workspace_id) as tx:
        found = await tx.fetch_value(statement("select person_no from node where lookup = :lookup"), lookup=lookup)
    return int(found)


async def whose(graph: Graph, *days: float, device: Identifier = TABLET) -> list[str]:
    """Who owns what is done on the device at these times: a name, or `nobody` for its anonymous person."""
    told = await intervals(graph, device)
    names = {}
    for one in (ANNA, BOB):
        try:
            names[await person_of(graph, one)] = one.value
        except TypeError:
            continue
    return [names.get([person for since, person in told if since <= day(at)][-1], "nobody") for at in days]


async def test_case_04_a_device_keeps_who_owned_it_when(graph: Graph):
    await graph.take([evidence(1, TABLET, kind="observe", tier=3, at=5)])
    await graph.take([evidence(2, ANNA, TABLET, at=10)])
    await graph.take([evidence(3, BOB, TABLET, at=20)])
    assert await whose(graph, 5, 12, 21) == ["anna", "anna", "bob"]
    await graph.take([evidence(4, BOB, TABLET, kind="logout", at=30)])
    assert await whose(graph, 5, 12, 21, 31) == ["anna", "anna", "bob", "nobody"]
    await graph.take([evidence(5, ANNA, TABLET, at=40)])
    assert await whose(graph, 12, 21, 31, 41) == ["anna", "bob", "nobody", "anna"]


async def test_case_04_older_anonymous_history_stays_with_an_anonymous_person_of_the_device(graph: Graph):
    await graph.take([evidence(1, TABLET, kind="observe", tier=3, at=5)])
    await graph.take([evidence(2, ANNA, TABLET, at=60)])
    assert await whose(graph, 5, 29, 31, 61) == ["nobody", "nobody", "anna", "anna"]


async def test_case_04_anonymous_history_found_out_later_belongs_to_nobody_as_well(graph: Graph):
    await graph.take([evidence(2, ANNA, TABLET, at=60)])
    assert await whose(graph, 5) == ["anna"]
    await graph.take([evidence(1, TABLET, kind="observe", tier=3, at=5)])
    assert await whose(graph, 5, 31) == ["nobody", "anna"]


async def test_case_04_all_anonymous_history_moves_along_where_a_workspace_wants_that(graph: Graph):
    await graph.take([evidence(1, TABLET, kind="observe", tier=3, at=5), evidence(2, ANNA, TABLET, at=60)])
    await graph.take([evidence(3, BOB, TABLET, at=70)])
    assert await whose(graph, 5, 61, 71) == ["nobody", "anna", "bob"]
    moving = msgspec.structs.replace(DEFAULTS.of("device"), anonymous_history="moves")
    await graph.set_clock(graph.now)
    await graph.declare(graph.workspace_id, PolicySet(2, {"device": moving}))
    graph.tools = graph.fresh_tools()
    await graph.look_again()
    assert await whose(graph, 5, 61, 71) == ["bob", "bob", "bob"]
    await graph.take([evidence(4, ANNA, TABLET, at=80), evidence(5, ANNA, TABLET, kind="logout", at=81)])
    assert await whose(graph, 5, 71, 82) == ["anna", "anna", "anna"]


async def test_case_05_a_kiosk_is_nobodys_at_any_time(graph: Graph):
    await graph.take([evidence(1, ANNA, TABLET, at=1)])
    await graph.take([evidence(2, BOB, TABLET, at=10)])
    assert await whose(graph, 2, 11) == ["anna", "bob"]
    others = [an_identifier("user_id", f"member-{number}", "shop") for number in range(2)]
    await graph.take([evidence(3 + number, one, TABLET, at=20 + number) for number, one in enumerate(others)])
    assert await whose(graph, 2, 11, 50) == ["nobody"] * 3
    assert len(await intervals(graph)) == 1


async def test_case_16_a_late_log_in_fills_its_own_time_and_only_that_is_told(graph: Graph):
    await graph.take([evidence(1, ANNA, TABLET, at=10)])
    await graph.take([evidence(2, BOB, TABLET, at=50), evidence(3, BOB, TABLET, at=60)])
    before = await told(graph)
    await graph.take([evidence(4, BOB, TABLET, at=20, received_at=day(100))])
    await graph.take([evidence(5, ANNA, TABLET, at=30, received_at=day(100))])
    assert await whose(graph, 11, 21, 31, 51) == ["anna", "bob", "anna", "bob"]
    late = (await told(graph))[len(before) :]
    anna, bob = await person_of(graph, ANNA), await person_of(graph, BOB)
    assert [(one.person_no, one.since, one.until) for one in late] == [
        (bob, day(20), day(50)),
        (anna, day(30), day(50)),
    ]
    assert await person_of(graph, TABLET) == bob


async def test_past_holds_follow_their_users_into_a_merge_and_back(graph: Graph):
    other = an_identifier("crm_id", "c-1", "crm")
    await graph.take([evidence(1, other, PHONE, at=1), evidence(2, ANNA, TABLET, at=10)])
    await graph.take([evidence(3, BOB, TABLET, at=20)])
    alone = await intervals(graph)
    await graph.take([evidence(4, ANNA, PHONE, at=30)])
    assert await person_of(graph, ANNA) == await person_of(graph, other)
    assert await whose(graph, 11, 21) == ["anna", "bob"]
    await graph.take([evidence(5, ANNA, PHONE, kind="unbind", at=40)])
    assert await whose(graph, 11, 21) == ["anna", "bob"]
    assert len(await intervals(graph)) == len(alone)


async def test_a_hold_that_lapsed_leaves_its_history_where_it_was(graph: Graph):
    await graph.take([evidence(1, ANNA, TABLET, at=10)])
    await graph.set_clock(day(10 + 671))
    await graph.look_again()
    assert await person_of(graph, TABLET) != await person_of(graph, ANNA)
    assert await whose(graph, 11, 600, 690) == ["anna", "anna", "nobody"]


def a_history(chance: random.Random) -> list[Evidence]:
    """Two people and one device: log-ins, log-outs, anonymous use, and now and then what joins one with another id."""
    found = []
    for number in range(chance.randint(3, 14)):
        at = chance.randint(0, 400) / 4
        who = chance.choice([ANNA, BOB])
        kind, tier, names = chance.choice(
            [
                ("login", 1, (who, TABLET)),
                ("login", 2, (who, TABLET)),
                ("logout", 1, (who, TABLET)),
                ("logout", 2, (TABLET,)),
                ("observe", 3, (TABLET,)),
                ("observe", 3, (TABLET,)),
                ("bind", 1, (who, PHONE)),
            ]
        )
        found.append(evidence(number, *names, kind=kind, tier=tier, at=at, received_at=day(100)))
    return found


def expected(events: list[Evidence], at: datetime, graph: Graph) -> Identifier | None:
    """Whose an anonymous event at a time is, by the rule over the whole set."""
    decided = partition(events, DEFAULTS, graph.now)
    signals = [signal for one in events for device, signal in signals_of(one, DEFAULTS) if device == TABLET]
    assert decided.person_of(TABLET)
    found = holds(signals, DEFAULTS.of("device"), graph.now)
    return [hold for hold in found if hold.starts_at <= at][-1].who


@pytest.mark.parametrize("seed", range(max(4, EXAMPLES // 10)))
async def test_case_16_in_every_order_each_anonymous_event_ends_with_who_held_the_device_then(graph: Graph, seed: int):
    chance = random.Random(seed)
    for home in range(10, 16):
        graph.workspace_id = home
        graph.tools = graph.fresh_tools()
        events = a_history(chance)
        shuffled = chance.sample(events, len(events))
        while shuffled:
            size = chance.randint(1, 4)
            await graph.take(shuffled[:size])
            shuffled = shuffled[size:]
        if not any(TABLET in one.identifiers for one in events):
            continue
        told_now = await intervals(graph)
        for one in events:
            if one.identifiers != (TABLET,):
                continue
            owner = [person for since, person in told_now if since <= one.effective_time][-1]
            who = expected(events, one.effective_time, graph)
            if who is not None:
                assert owner == await person_of(graph, who), (events, one.event_time, told_now)
            else:
                named = [other for other in (ANNA, BOB) if any(other in said.identifiers for said in events)]
                assert owner not in [await person_of(graph, other) for other in named], (events, one.event_time)


async def told(graph: Graph) -> list[OwnershipChanged]:
    """What the others heard of the device, oldest first."""
    decoder = msgspec.json.Decoder(OwnershipChanged)
    async with graph.database.worker.transaction(graph.workspace_id) as tx:
        rows = await tx.fetch(
            statement("select payload from outbox_log where subject = :it order by log_id"), it=OwnershipChanged.subject
        )
        number = await tx.fetch_value(
            statement("select node_no from node where lookup = :lookup"),
            lookup=graph.tools.lookup(graph.workspace_id, TABLET),
        )
    events = [decoder.decode(line) for row in rows for line in bytes(row["payload"]).splitlines() if line]
    found = sorted(
        (one for one in events if one.subject_no == number), key=lambda one: (one.version, one.since or START)
    )
    assert owner_at(paint(found), day(0))
    return found
