"""Ask the other services what runs need to know, outside any transaction, and let the runs go on with the answers."""

import asyncio
import logging
from typing import Any
from uuid import UUID

from libs.common.bus.transient import is_transient
from libs.common.errors import Invalid, NotFound, Unavailable
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.journey.clients.questions import ask
from services.journey.domain.node import Question
from services.journey.store import due_runs
from services.journey.store.due_runs import Asking
from services.journey.store.memory import JourneyMemory
from services.journey.usecases.advance_apart import Handle, advance_apart
from services.journey.usecases.advance_runs import advance_runs
from services.journey.usecases.open_sealers import open_sealers

log = logging.getLogger(__name__)

_MOST_ROUNDS = 10
_AGAIN_SECONDS = 2.0
_HELD_SECONDS = 0.02

Answers = dict[tuple[int, int], dict[Question, Any]]


async def run(runtime: Runtime[JourneyMemory]) -> int:
    """Answer everything asked since the last round and return the number of runs that went on."""
    asking, runtime.parts.asking = runtime.parts.asking, []
    done = len(asking)
    answers: Answers = {}
    try:
        for _ in range(_MOST_ROUNDS):
            if not asking:
                break
            refused, unanswered = await _ask_all(runtime, asking, answers)
            await _put_off(runtime, refused, unanswered)
            asking = [one for one in asking if one.run_id not in refused | unanswered]
            further, held = await _go_on(runtime, asking, answers)
            asking = [*further, *held]  # who went on asks nothing any more, whatever fails from here
            asking = [*further, *await _passed_over(runtime, held)]
    finally:
        # nobody else looks at them before their leases end
        runtime.parts.asking += asking
    return done


async def _put_off(runtime: Runtime[JourneyMemory], refused: set[UUID], unanswered: set[UUID]) -> None:
    """Let runs without an answer be looked at by others later."""
    async with runtime.worker_database.transaction(()) as tx:
        await due_runs.blame_runs(tx, sorted(refused))
        await due_runs.shorten_leases(tx, sorted(unanswered), seconds=_AGAIN_SECONDS)


async def _go_on(
    runtime: Runtime[JourneyMemory], asking: list[Asking], answers: Answers
) -> tuple[list[Asking], list[Asking]]:
    """Advance the runs that have their answers; return those with a further question, and those that may be held."""
    leases: dict[int, list[Handle]] = {}
    for one in asking:
        leases.setdefault(one.workspace_id, []).append((one.run_id, one.lease))
    # the leases of runs whose workspace rests run out by themselves
    sealers = open_sealers(runtime, leases)
    leases = {workspace_id: ours for workspace_id, ours in leases.items() if workspace_id in sealers}
    if not leases:
        return [], []
    ours = [one for one in asking if one.workspace_id in leases]
    try:
        async with runtime.worker_database.transaction(sorted(leases)) as tx:
            claimed = await due_runs.claim_leased_runs(tx, [one for mine in leases.values() for one in mine])
            found = await advance_runs(tx, claimed, answers=answers, graphs=runtime.parts.graphs, sealers=sealers)
    except Exception as error:
        if is_transient(error):
            raise
        log.warning("runs with their answers could not be written", exc_info=error)
        found = await advance_apart(
            runtime, leases, claim=due_runs.claim_leased_runs, answers=answers, sealers=sealers
        )  # fmt: skip
        return found.asking, ours
    gone = {one.run_id for one in claimed}
    return found.asking, [one for one in ours if one.run_id not in gone]


async def _passed_over(runtime: Runtime[JourneyMemory], held: list[Asking]) -> list[Asking]:
    """Return the runs that stand where they stood: whoever takes in what happened to a person holds his runs."""
    if not held:
        return []
    async with runtime.worker_database.transaction(sorted({one.workspace_id for one in held})) as tx:
        still = await due_runs.still_leased(tx, [(one.run_id, one.lease) for one in held])
    if still:
        await asyncio.sleep(_HELD_SECONDS)
    return [one for one in held if one.run_id in still]


async def _ask_all(
    runtime: Runtime[JourneyMemory], asking: list[Asking], answers: Answers
) -> tuple[set[UUID], set[UUID]]:
    """Fill in the answers that are missing; return the runs whose question is refused, and those nobody answered."""
    refused: set[UUID] = set()
    unanswered: set[UUID] = set()
    for workspace_id in sorted({one.workspace_id for one in asking}):
        ours = [one for one in asking if one.workspace_id == workspace_id]
        for question in sorted({question for one in ours for question in one.questions}):
            concerned = [one for one in ours if question in one.questions]
            try:
                persons = {
                    (one.person_no, one.person_id)
                    for one in concerned
                    if question not in answers.get((workspace_id, one.person_no), {})
                }
                found = await ask(runtime.peers, workspace_id, {question: persons}) if persons else {}
            except (Invalid, NotFound) as problem:
                log.warning("a question was refused", extra={"question": question.kind, "why": problem.detail})
                refused |= {one.run_id for one in concerned}
            except Unavailable as problem:
                log.warning("a question waits", extra={"question": question.kind, "why": problem.detail})
                unanswered |= {one.run_id for one in concerned}
            else:
                for person_no, said in found.items():
                    answers.setdefault((workspace_id, person_no), {}).update(said)
    return refused, unanswered


job = Job(name="answer_questions", run=run, idle_seconds=1.0)
