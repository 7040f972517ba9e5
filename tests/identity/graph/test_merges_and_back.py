"""ID9, ID10, ID11: operators merge and part persons of random histories, and ids always lead to somebody."""

import random
from collections import Counter
from contextlib import suppress
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.db import Tx, statement
from libs.common.errors import Conflict, Invalid
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.persons import Owned, merit, parted, settle
from services.identity.usecases.find_person import find_row
from services.identity.usecases.merge_persons import merge_persons
from services.identity.usecases.unmerge_person import unmerge_person
from tests.identity.graph.graphs import WORKSPACE, Graph
from tests.identity.graph.test_ids_survive import redirects
from tests.identity.graph.worlds import DENSE, EXAMPLES, a_history

LENGTH = 60
many = settings(max_examples=EXAMPLES * 10, deadline=None)


Told = tuple[frozenset[frozenset[Identifier]], dict[Identifier, UUID], dict[object, object]]
"""Who is one, by which id, and where retired ids lead."""


async def told(graph: Graph) -> Told:
    stored = await graph.stored()
    return stored.persons, stored.ids, await redirects(graph)


async def merge(graph: Graph, one: UUID, other: UUID) -> bool:
    """Merge two persons; return whether no limit stood in the way."""

    async def work(tx: Tx) -> None:
        await merge_persons(tx, graph.tools, WORKSPACE, one, other, author="key:somebody")

    try:
        await graph.again_when_lost(WORKSPACE, work)
    except Conflict:
        return False
    return True


async def part(graph: Graph, survivor: UUID, ended: UUID) -> None:
    async def work(tx: Tx) -> None:
        await unmerge_person(
            tx, graph.tools, WORKSPACE, survivor, leaving=[], retired_id=ended, author="key:somebody"
        )  # fmt: skip

    await graph.again_when_lost(WORKSPACE, work)


async def split(graph: Graph, chance: random.Random) -> None:
    """Part some identifiers from somebody who has several, unless they are held together in other ways."""
    ids = (await graph.stored()).ids
    large = sorted(one for one, count in Counter(ids.values()).items() if count > 1)
    if not large:
        return
    person = chance.choice(large)
    mine = sorted(one for one, owner in ids.items() if owner == person)
    leaving = chance.sample(mine, chance.randrange(1, len(mine)))

    async def work(tx: Tx) -> None:
        await unmerge_person(
            tx, graph.tools, WORKSPACE, person, leaving=leaving, retired_id=None, author="key:somebody"
        )  # fmt: skip

    with suppress(Conflict):
        await graph.again_when_lost(WORKSPACE, work)


def names_alone(one: Evidence) -> Evidence | None:
    """Return evidence without its devices and cookies, which go with whoever was seen on them; None for no more."""
    named = tuple(each for each in one.identifiers if DENSE.of(each.namespace).bridges)
    return msgspec.structs.replace(one, identifiers=named) if named else None


async def a_graph(graph_of, chance: random.Random, *, devices: bool) -> Graph:
    graph: Graph = await graph_of(DENSE)
    events = a_history(chance, LENGTH, values=9)
    if not devices:
        events = [named for one in events if (named := names_alone(one)) is not None]
    for position in range(0, len(events), 15):
        await graph.take(events[position : position + 15])
    return graph


async def begun_by_splits(graph: Graph) -> set[UUID]:
    """Return the persons who have no identifier that was born to them."""
    async with graph.database.worker.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(
            statement(
                "select p.person_id from person p where p.state = 'active' and not exists (select from node n"
                " where n.workspace_id = p.workspace_id and n.person_no = p.person_no and n.born_no = p.person_no)"
            )
        )
    return {row["person_id"] for row in rows}


@pytest.mark.parametrize("seed", range(max(3, EXAMPLES // 5)))
async def test_id09_a_merge_that_is_undone_leaves_partition_ids_and_redirects_as_they_were(graph_of, seed):
    """Of merges that push nobody out over a cap; who began by a split comes back as himself like any other."""
    chance = random.Random(1500 + seed)
    graph = await a_graph(graph_of, chance, devices=False)
    undone = of_splits = 0
    for _ in range(16):
        if chance.random() < 0.5:
            await split(graph, chance)
        (persons, ids, leads), begun = await told(graph), await begun_by_splits(graph)
        one, other = chance.sample(sorted(set(ids.values())), 2)
        if begun and chance.random() < 0.5:
            one = chance.choice(sorted(begun))
            other = chance.choice(sorted(set(ids.values()) - {one}))
        both = frozenset(identifier for identifier, owner in ids.items() if owner in {one, other})
        if not await merge(graph, one, other):
            assert await told(graph) == (persons, ids, leads), "refused: nothing of it stays"
            continue
        joined = await told(graph)
        if joined[0] != {person for person in persons if not person <= both} | {both}:
            continue
        [ended] = {one, other} & joined[2].keys()
        [survivor] = {one, other} - {ended}
        assert {joined[1][each] for each in both} == {joined[2][ended]} == {survivor}, "ID11"
        await part(graph, survivor, ended)
        after = await told(graph)
        assert after[0] == persons
        assert after[1:] == (ids, leads)
        undone += 1
        of_splits += not begun.isdisjoint({one, other})
    assert undone >= 3
    assert of_splits


@pytest.mark.parametrize("seed", range(max(2, EXAMPLES // 8)))
async def test_id10_every_id_ever_told_leads_to_somebody_living_in_one_hop_after_any_merges_and_undoings(
    graph_of, seed
):
    chance = random.Random(1600 + seed)
    graph = await a_graph(graph_of, chance, devices=True)
    coming = a_history(random.Random(1700 + seed), 60 + LENGTH, values=9)[LENGTH:]
    ever: set[UUID] = set()
    for number in range(20):
        living = set((await graph.stored()).ids.values())
        ever |= living
        leads = await redirects(graph)
        assert leads.keys().isdisjoint(living), "nobody both lives and leads elsewhere"
        assert set(leads.values()) <= living
        assert ever <= living | leads.keys()
        for one in chance.sample(sorted(ever), 3):
            async with graph.database.worker.transaction(WORKSPACE) as tx:
                assert (await find_row(tx, WORKSPACE, one)).person_id == leads.get(one, one)
        step = chance.random()
        if step < 0.1:
            await split(graph, chance)
        elif step < 0.5:
            await merge(graph, *chance.sample(sorted(living), 2))
        elif step < 0.8 and leads:
            ended = chance.choice(sorted(leads))
            try:
                await part(graph, leads[ended], ended)
            except (Conflict, Invalid):
                continue  # held together in other ways, or nothing of his is left: as it was
        else:
            await graph.take([coming[number], coming[-number - 1]])


@st.composite
def neighbourhoods(draw: st.DrawFn) -> tuple[list[list[Owned]], dict[int, int], dict[int, dict[int, int]]]:
    """Draw identifiers with owners, parted anew in any way, persons that ended, and what those had."""
    living, ended = range(1, 6), range(6, 10)
    nodes = [
        Owned(
            node, draw(st.sampled_from([0, *living])), draw(st.sampled_from([0, *living, *ended])),
            draw(st.integers(1, 7)), draw(st.booleans()), draw(st.booleans()), draw(st.booleans()),
            draw(st.integers(1, 50)),
        )
        for node in range(1, draw(st.integers(1, 10)) + 1)
    ]  # fmt: skip
    groups: dict[int, list[Owned]] = {}
    for one in nodes:
        groups.setdefault(draw(st.integers(0, 4)), []).append(one)
    had = {one: draw(st.dictionaries(st.integers(1, 10), st.integers(1, 50), max_size=4)) for one in (*ended, 11)}
    return list(groups.values()), {one: draw(st.integers(1, 50)) for one in ended}, had


@many
@given(neighbourhoods())
def test_id11_who_survives_is_one_of_those_who_met_and_nobody_is_in_two_places(drawn):
    groups, retired, had = drawn
    settled = settle(groups, retired, had)
    kept = [one.person_no for one in settled if not one.is_new]
    assert len(kept) == len(set(kept))
    owners = {node.person_no for group in groups for node in group} - {0}
    gone = [person for one in settled for person in one.absorbed]
    assert sorted([*gone, *(one.person_no for one in settled if one.person_no in owners)]) == sorted(owners)
    for one in settled:
        mine = {node.person_no for node in one.members}
        assert set(one.absorbed) <= mine
        if one.revived:
            assert one.person_no in retired
            born = {node.born for node in one.members}
            assert one.person_no in born or not had[one.person_no].keys().isdisjoint(node.node for node in one.members)
        elif not one.is_new:
            assert one.person_no in mine
            met = {person: [node for group in groups for node in group if node.person_no == person]
                   for person in (one.person_no, *one.absorbed)}  # fmt: skip
            assert one.person_no == min(met, key=lambda person: merit(person, met[person]))


ONE, OTHER, MERGED_AT = 1, 2, 100


@st.composite
def two_persons(draw: st.DrawFn) -> tuple[list[Owned], list[Owned]]:
    """Draw two persons: to each something was born or nothing, and some of his was born to others who are gone."""

    def person(number: int, first: int) -> list[Owned]:
        return [
            Owned(
                first + place, number, draw(st.sampled_from([number, 8, 9])), draw(st.integers(1, 7)),
                draw(st.booleans()), draw(st.booleans()), place == 0 or draw(st.booleans()), draw(st.integers(1, 50)),
            )
            for place in range(draw(st.integers(1, 4)))
        ]  # fmt: skip

    return person(ONE, 1), person(OTHER, 5)


@many
@given(two_persons())
def test_id09_who_is_merged_and_parted_again_is_who_he_was_whether_or_not_anything_was_born_to_him(drawn):
    [merged] = settle([[*drawn[0], *drawn[1]]], {})
    [ended] = merged.absorbed
    survivor = merged.person_no
    had = {ended: {one.node: one.since for one in drawn[ended - 1] if one.bridges}}
    groups = [
        [one if one.person_no == survivor else moved(one, survivor) for one in group] for group in drawn
    ]  # fmt: skip
    assert set(parted(groups)) == {one.node for group in groups for one in group if one.bridges}
    back = settle(groups, {ended: MERGED_AT}, had)
    assert [one.person_no for one in back] == [ONE, OTHER]
    assert [one.revived for one in back] == [ended == ONE, ended == OTHER]


def moved(one: Owned, survivor: int) -> Owned:
    return msgspec.structs.replace(one, person_no=survivor, since=MERGED_AT)
