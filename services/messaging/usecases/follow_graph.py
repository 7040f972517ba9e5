"""Persons are one, or several again: their messages follow."""

from collections.abc import Sequence

from libs.common.db import Tx
from libs.common.sides import Departure, Known, Pointer, newest, parted_side
from services.messaging.store.merges import (
    Addressed,
    Belonging,
    addressed_to,
    follow_intents,
    give_intents,
    hold_messages,
    move_sides,
)
from services.messaging.store.persons import lock_persons
from services.messaging.store.redirects import family_of, hold_graph, known_of, paths_of, point_persons

NEVER_HEARD = Known(0, 0)


async def follow_graph(
    tx: Tx, workspace_id: int, pointers: Sequence[Pointer], departures: Sequence[Departure] = ()
) -> None:
    """Apply what versions of the graph say, in any order and any number of times: the newest of each person holds.

    Everything is locked at once and persons first, as whoever gives out their slots does: a batch that locked event by
    event would wait for a sender who waits for it.
    """
    await hold_graph(tx, workspace_id)
    known = await known_of(tx, workspace_id, {pointer.person_no for pointer in pointers})
    news = newest(pointers, known)
    changed = {one.person_no for one in news.values() if one.into_no != known.get(one.person_no, NEVER_HEARD).into_no}
    leaving = [one for one in departures if known.get(one.part_no, NEVER_HEARD).into_no == 0 or one.part_no in news]
    family = await family_of(tx, workspace_id, changed)
    named = {number for one in pointers for number in (one.person_no, one.into_no) if number}
    named |= {one.from_no for one in leaving}
    before = await paths_of(tx, workspace_id, named)
    await lock_persons(tx, workspace_id, [*family, *(number for path in before.values() for number in path)])
    await point_persons(tx, workspace_id, news.values())
    places = {*family, *(before[number][-1] for number in changed), *(before[one.from_no][-1] for one in leaving)}
    if places:
        await hold_messages(tx, workspace_id, places)
        await _move(tx, workspace_id, places, family, leaving)


async def _move(tx: Tx, workspace_id: int, places: set[int], family: set[int], leaving: Sequence[Departure]) -> None:
    """Bring everything that lies with `places` to who it belongs to now."""
    subject_nos = {number for one in leaving for number in one.subject_nos}
    addressed = await addressed_to(tx, workspace_id, places, subject_nos) if subject_nos else []
    sides = {*family, *(one.side_no for one in addressed), *(one.part_no for one in leaving)}
    paths = await paths_of(tx, workspace_id, sides)

    def belonging(one: Addressed) -> Belonging:
        side_no = parted_side(one.side_no, one.subject_no, paths, leaving)
        return Belonging(side_no, paths[side_no][-1])

    await give_intents(tx, workspace_id, {one.intent_id: belonging(one) for one in addressed})
    await move_sides(tx, workspace_id, places, {side_no: paths[side_no][-1] for side_no in family})
    await follow_intents(tx, workspace_id, places)
