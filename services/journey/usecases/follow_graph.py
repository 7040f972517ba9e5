"""Persons are one, or several again: their runs follow, and nobody enters again because of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.common import outbox
from libs.common.contracts.journey.run_progressed import RunProgressed
from libs.common.db import Tx
from libs.common.sides import Departure, Known, Pointer, newest, parted_side
from services.journey.store.person_moves import (
    EndedRun,
    Held,
    change_sides,
    copy_arms,
    copy_entered,
    held_at,
    move_sides,
    wake_runs_of,
)
from services.journey.store.redirects import family_of, ids_of, known_of, paths_of, point_persons

NEVER_HEARD = Known(0, 0)
Paths = Mapping[int, Sequence[int]]


async def follow_graph(
    tx: Tx, workspace_id: int, pointers: Sequence[Pointer], departures: Sequence[Departure], ids: Mapping[int, UUID],
    *, now: datetime,
) -> None:  # fmt: skip
    """Apply what a version of the graph says, in any order and any number of times; all partitions are held.

    A run is of the side it was entered under, which no merge changes: where that leads by the newest version heard of
    each person is whose it is. A split changes sides, of what was entered by an identifier that leaves.
    """
    known = await known_of(tx, workspace_id, {one.person_no for one in pointers})
    news = newest(pointers, _as_links(known, pointers))
    changed = {one.person_no for one in news.values() if one.into_no != known.get(one.person_no, NEVER_HEARD).into_no}
    leaving = [one for one in departures if known.get(one.part_no, NEVER_HEARD).into_no == 0 or one.part_no in news]
    family = await family_of(tx, workspace_id, changed)
    named = {*family, *(number for one in leaving for number in (one.from_no, one.part_no))}
    before = await paths_of(tx, workspace_id, named)
    await point_persons(tx, workspace_id, news.values(), ids)
    places = {*family, *(before[number][-1] for number in named)}
    if not places:
        return
    held = await held_at(tx, workspace_id=workspace_id, places=sorted(places))
    ended = await _move(tx, workspace_id, held, before, leaving, now)
    after = await paths_of(tx, workspace_id, named)
    for number in sorted(changed):
        merges = bool(news[number].into_no)
        from_no, to_no = number if merges else before[number][-1], after[number][-1]
        await copy_arms(tx, workspace_id=workspace_id, from_no=from_no, to_no=to_no)
        if merges:
            await copy_entered(tx, workspace_id=workspace_id, from_no=from_no, to_no=to_no)
    for one in leaving:
        from_no, to_no = before[one.from_no][-1], after[one.part_no][-1]
        await copy_arms(tx, workspace_id=workspace_id, from_no=from_no, to_no=to_no)
    await wake_runs_of(tx, workspace_id=workspace_id, person_nos=sorted({path[-1] for path in after.values()}), now=now)
    await outbox.add(tx, [_progress(workspace_id, run, now) for run in ended])


def _as_links(known: Mapping[int, Known], pointers: Sequence[Pointer]) -> dict[int, Known]:
    """Return what is known, older where one version names two persons he ended in.

    Rows of older releases say where the way ended; who hears the merge again hears the link.
    """
    said = {one.person_no: one for one in pointers if one.into_no}
    return {
        number: one._replace(graph_version=one.graph_version - 1)
        if one.into_no
        and number in said
        and said[number].graph_version == one.graph_version
        and said[number].into_no != one.into_no
        else one
        for number, one in known.items()
    }


async def _move(
    tx: Tx, workspace_id: int, held: Sequence[Held], before: Paths, leaving: Sequence[Departure], now: datetime
) -> list[EndedRun]:
    """Bring everything that is held to who it belongs to now."""
    sides = {number for one in held for number in (one.person_no, one.side_no)}
    paths = await paths_of(tx, workspace_id, {*sides, *(one.part_no for one in leaving)})
    own = {one: _side(one, before, paths) for one in held}
    own = {one: parted_side(side_no, one.subject_no, paths, leaving) for one, side_no in own.items()}
    changes = {one: side_no for one, side_no in own.items() if side_no != one.side_no}
    await change_sides(tx, workspace_id=workspace_id, changes=changes)
    moves: dict[tuple[int, int], set[int]] = defaultdict(set)
    for one, side_no in own.items():
        if paths[side_no][-1] != one.person_no:
            moves[one.person_no, paths[side_no][-1]].add(side_no)
    ids = await _ids(tx, workspace_id, {to_no for _, to_no in moves})
    ended: list[EndedRun] = []
    for (from_no, to_no), side_nos in sorted(moves.items()):
        ended += await move_sides(
            tx, workspace_id=workspace_id, from_no=from_no, side_nos=sorted(side_nos), to_no=to_no, to_id=ids[to_no],
            parts=paths[from_no][-1] == from_no, now=now,
        )  # fmt: skip
    return ended


def _side(one: Held, before: Paths, paths: Paths) -> int:
    """Return whose it is by itself: of what an older version moved by its identifier, whoever has it."""
    path = before.get(one.side_no) or paths[one.side_no]
    return one.side_no if path[-1] == one.person_no else one.person_no


async def _ids(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, UUID]:
    return await ids_of(tx, workspace_id, person_nos) if person_nos else {}


def _progress(workspace_id: int, run: EndedRun, now: datetime) -> RunProgressed:
    return RunProgressed(
        workspace_id=workspace_id, person_no=run.person_no, received_at=now, occurred_at=now, run_id=run.run_id,
        journey_id=run.journey_id, journey_version=run.version, person_id=run.person_id, state="exited",
        sequence=run.sequence, node=run.node, reason="merged", arm=run.arm, converted=run.converted,
    )  # fmt: skip
