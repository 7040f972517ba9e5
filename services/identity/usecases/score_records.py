"""Records of persons compared with each other; pairs that are likely one person are suggested."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from uuid import UUID

import msgspec

from libs.common.db import Tx
from libs.common.errors import Invalid
from services.identity.domain.links import rank
from services.identity.domain.matching.blocking import candidate_pairs
from services.identity.domain.matching.model import MatchModel, Score, score, waterfall_of
from services.identity.domain.matching.preparing import Prepared, prepare
from services.identity.store import nodes, persons, suggestions
from services.identity.store.nodes import NodeRow
from services.identity.store.suggestions import Pairing
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools

MOST_PAIRS = 20_000
"""Pairs compared in one request: some seconds of one core."""


class Scored(msgspec.Struct, frozen=True):
    """How many pairs were looked at, how many were above the threshold, and how many of those are new."""

    compared: int
    above: int
    suggested: int
    unknown: list[UUID]


async def score_records(
    tx: Tx,
    tools: GraphTools,
    workspace_id: int,
    records: Mapping[UUID, Mapping[str, str | None]],
    *,
    model: MatchModel,
    threshold: float,
    now: datetime,
) -> Scored:
    """Suggest pairs whose match weight is at least `threshold`; nothing is merged by it.

    Records of one person, whichever of his ids they bear, are not compared; ids of nobody are told.
    """
    living = await _living(tx, workspace_id, list(records))
    by_person = {str(person_no): prepare(records[asked], model.fields) for asked, person_no in living.items()}
    compared, above = await asyncio.to_thread(_above, by_person, model, threshold)
    suggested = await suggest_scored(tx, tools, workspace_id, above, now)
    return Scored(compared, len(above), suggested, [asked for asked in records if asked not in living])


async def suggest_scored(
    tx: Tx, tools: GraphTools, workspace_id: int, scores: Mapping[tuple[int, int], Score], now: datetime
) -> int:
    """Suggest pairs of living persons, given by number, with their scores; return how many are new or scored anew."""
    anchors = await _anchors(tx, tools, workspace_id, {number for pair in scores for number in pair})
    pairings = [
        _pairing(workspace_id, anchors[one], anchors[other], found, now)
        for (one, other), found in scores.items()
        if one in anchors and other in anchors
    ]
    return await suggestions.add(tx, pairings)


def _above(
    records: Mapping[str, Prepared], model: MatchModel, threshold: float
) -> tuple[int, dict[tuple[int, int], Score]]:
    """Return how many pairs were compared and those that reach the threshold; in a thread, as it may take seconds."""
    pairs = list(islice(candidate_pairs(records, model.blocking), MOST_PAIRS + 1))
    if len(pairs) > MOST_PAIRS:
        raise Invalid.at("/items", f"these agree in too much: more than {MOST_PAIRS} pairs; send fewer persons at once")
    scores = {(int(one), int(other)): score(records[one], records[other], model) for one, other in pairs}
    return len(pairs), {pair: found for pair, found in scores.items() if found.weight >= threshold}


async def _living(tx: Tx, workspace_id: int, ids: list[UUID]) -> dict[UUID, int]:
    rows = await persons.by_ids(tx, workspace_id, ids)
    return {row.person_id: row.redirect_to or row.person_no for row in rows if row.state != "erased"}


async def _anchors(tx: Tx, tools: GraphTools, workspace_id: int, numbers: set[int]) -> dict[int, int]:
    """Return the number of each person's strongest identifier: it stands for him."""
    policies = await tools.present_policies(tx, workspace_id)
    owned: dict[int, list[NodeRow]] = {}
    for row in await nodes.of_persons(tx, workspace_id, sorted(numbers)):
        owned.setdefault(row.person_no, []).append(row)
    return {
        person_no: min(rows, key=lambda row: rank(name_of(row, tools), policies)).node_no
        for person_no, rows in owned.items()
    }


def _pairing(workspace_id: int, one: int, other: int, found: Score, now: datetime) -> Pairing:
    low, high = sorted((one, other))
    return Pairing(
        workspace_id=workspace_id,
        low_no=low,
        high_no=high,
        origin="score",
        reason="alike",
        at=now,
        score=found.weight,
        waterfall=waterfall_of(found),
    )
