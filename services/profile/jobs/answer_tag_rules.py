"""Persons were touched: ask segment which rules of tags hold for them now."""

import logging
from collections.abc import Collection, Sequence

from libs.common.errors import Invalid
from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.profile.clients.segment import PERSONS_AT_ONCE, ask_rule, catch_up
from services.profile.domain.tag import Tag
from services.profile.store import tag_touches, tags
from services.profile.store.tag_touches import EVERY, QUIET, STREAMING, TagTouch
from services.profile.usecases.settle_tag_rules import Answered, settle_tag_rules

log = logging.getLogger(__name__)


async def run(runtime: Runtime[None]) -> int:
    """Claim up to 500 persons of a workspace, ask each rule that concerns some of them, settle."""
    async with runtime.worker_database.transaction(()) as tx:
        workspace_id, touches = await tag_touches.claim(tx, PERSONS_AT_ONCE)
        if not touches:
            return 0
        await tx.see([workspace_id])
        rules = [row.tag for row in await tags.of_kind(tx, [workspace_id], "rule")]
    await runtime.directory.ensure_workspaces([workspace_id])
    received_at = max(one.received_at for one in touches)
    try:
        await catch_up(runtime, workspace_id, received_at)
        answers = await _ask(runtime, workspace_id, rules, touches)
    except BaseException:
        async with runtime.worker_database.transaction(workspace_id) as tx:
            await tag_touches.release(tx, workspace_id, [one.person_no for one in touches])
        raise
    async with runtime.worker_database.transaction(workspace_id) as tx:
        now = runtime.now(workspace_id)
        quiet = {one.person_no for one in touches if QUIET in one.tags}
        await settle_tag_rules(tx, workspace_id, answers, now=now, received_at=received_at, quiet=quiet)
        await tag_touches.settle(tx, workspace_id, touches)
    return len(touches)


async def _ask(
    runtime: Runtime[None], workspace_id: int, rules: Collection[Tag], touches: Sequence[TagTouch]
) -> list[Answered]:
    answers = []
    for tag in rules:
        asked = [one.person_no for one in touches if _concerns(one, tag)]
        if not asked:
            continue
        try:
            inside = await ask_rule(runtime.peers, workspace_id, tag.rule, asked)
        except Invalid as refused:
            # it was a condition when it was kept; whoever has the tag keeps it
            log.warning("the rule of a tag is refused", extra={"tag": tag.tag, "why": refused.detail})
            continue
        answers.append(Answered(tag, frozenset(asked), inside))
    return answers


def _concerns(touch: TagTouch, tag: Tag) -> bool:
    return tag.tag in touch.tags or EVERY in touch.tags or (STREAMING in touch.tags and tag.refresh == "streaming")


async def open_count(runtime: Runtime[None], workspace_id: int) -> int:
    """Return how many persons wait to be asked about."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await tag_touches.open_touches(tx, workspace_id)


job = Job(name="answer_tag_rules", run=run, open=open_count)
