"""Persons who changed compared with those who agree with them in something, where a model is in force: seldom, a few
at a time. Without a model a round is one look into an empty index."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from libs.common.clock import wall_now
from libs.common.errors import Problem
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from libs.common.watermark import watermark_of
from services.identity.clients.records import ask_records
from services.identity.domain.matching.model import MatchModel, Score, score
from services.identity.domain.matching.preparing import prepare
from services.identity.store import ingest_queue, match_looks, match_models
from services.identity.store.match_looks import MatchLook
from services.identity.usecases.choose_changed import Chosen, choose_changed
from services.identity.usecases.find_partners import Pairs, find_partners
from services.identity.usecases.score_records import suggest_scored

PAUSE = timedelta(hours=1)
"""Between two looks, by the clock of the workspace."""
WAIT = timedelta(seconds=5)
"""By the wall clock, where others are behind or do not answer."""


async def run(runtime: Runtime[Any]) -> int:
    """Compare the next few persons of one workspace; return 1 when a look was due and went on."""
    async with runtime.worker_database.transaction([]) as tx:
        look = await match_looks.claim(tx, wall_now())
    if look is None:
        return 0
    await runtime.directory.ensure_workspaces([look.workspace_id])
    until = await _known_until(runtime, look.workspace_id)
    if until is None or until < look.after_at:
        await _wait(runtime, look)
        return 0
    try:
        await _go_on(runtime, look, until)
    except Problem:
        await _wait(runtime, look)
        raise
    return 1


async def _known_until(runtime: Runtime[Any], workspace_id: int) -> datetime | None:
    """Return the instant before which all that was received is resolved here and known to profile."""
    known = await watermark_of(runtime, "profile", workspace_id)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        oldest = await ingest_queue.oldest_received(tx, workspace_id)
    return known if known is None or oldest is None else min(known, oldest)


async def _wait(runtime: Runtime[Any], look: MatchLook) -> None:
    async with runtime.worker_database.transaction(look.workspace_id) as tx:
        await match_looks.settle(tx, look, taken_until=wall_now() + WAIT)


async def _go_on(runtime: Runtime[Any], look: MatchLook, until: datetime) -> None:
    workspace_id, graph = look.workspace_id, runtime.parts.graph
    async with runtime.worker_database.transaction(workspace_id) as tx:
        found = await match_models.present(tx, workspace_id, runtime.sealer(workspace_id))
        chosen = await choose_changed(tx, look, until)
    model = found[1] if found is not None and found[0] == look.version else None
    if model is None or not chosen.person_nos:
        await _settle(runtime, chosen, {}, 0, model)
        return
    records = await ask_records(runtime, workspace_id, chosen.person_nos, list(model.fields))
    prepared = {one: prepare(record, model.fields) for one, record in records.items()}
    async with runtime.worker_database.transaction(workspace_id) as tx:
        pairs = await find_partners(tx, graph, workspace_id, prepared, model)
    partners = sorted({one for pair in pairs for one in pair} - prepared.keys())
    others = await ask_records(runtime, workspace_id, partners, list(model.fields))
    prepared |= {one: prepare(record, model.fields) for one, record in others.items()}
    above = await asyncio.to_thread(_above, prepared, pairs, model)
    await _settle(runtime, chosen, above, len(pairs), model)


def _above(records: Mapping[int, Any], pairs: Pairs, model: MatchModel) -> dict[tuple[int, int], Score]:
    """Return the pairs that reach the model's threshold; in a thread, as thousands take a while."""
    known = [pair for pair in sorted(pairs) if records.keys() >= set(pair)]
    scores = {pair: score(records[pair[0]], records[pair[1]], model) for pair in known}
    return {pair: found for pair, found in scores.items() if found.weight >= model.threshold}


async def _settle(
    runtime: Runtime[Any],
    chosen: Chosen,
    above: Mapping[tuple[int, int], Score],
    compared: int,
    model: MatchModel | None,
) -> None:
    look = chosen.then
    now = runtime.now(look.workspace_id)
    async with runtime.worker_database.transaction(look.workspace_id) as tx:
        suggested = await suggest_scored(tx, runtime.parts.graph, look.workspace_id, above, now) if above else 0
        ended = chosen.is_end or model is None
        await match_looks.settle(
            tx,
            msgspec.structs.replace(look, due_at=now + PAUSE) if ended else look,
            taken_until=wall_now(),
            looked_at=now if ended else None,
            persons=len(chosen.person_nos),
            compared=compared,
            suggested=suggested,
        )


async def next_due(runtime: Runtime[Any], workspace_id: int) -> datetime | None:
    """Return when persons of a workspace are compared next."""
    async with runtime.worker_database.transaction([]) as tx:
        return await match_looks.next_due(tx, workspace_id)


async def open_looks(runtime: Runtime[Any], workspace_id: int) -> int:
    """Return 1 while persons of a workspace are to be compared now."""
    async with runtime.worker_database.transaction([]) as tx:
        return await match_looks.count_due(tx, workspace_id, runtime.now(workspace_id))


job = Job(name="score_changed", run=run, next_due=next_due, open=open_looks, idle_seconds=5.0)
