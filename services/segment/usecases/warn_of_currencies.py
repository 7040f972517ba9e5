"""Amounts in different currencies are never added: a preview says of which conditions there are several."""

from collections.abc import Mapping

from libs.common.runtime import Runtime
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import Definition
from services.segment.domain.fault import Fault
from services.segment.store import squashes
from services.segment.store.currencies import count_currencies
from services.segment.store.parts import SegmentParts
from services.segment.store.scope import Scope
from services.segment.store.workspaces import moment_of


async def warn_of_currencies(
    runtime: Runtime[SegmentParts], *, workspace_id: int, definition: Definition
) -> tuple[Fault, ...]:
    """Return a warning for each condition whose amounts are in several currencies, with how many are in which."""
    inquiry = Inquiry(moment_of(runtime, workspace_id, runtime.now(workspace_id)))
    asked = [(leaf.pointer, question) for leaf in definition.leaves() if (question := leaf.condition.amounts(inquiry))]
    if not asked:
        return ()
    async with runtime.worker_database.transaction(workspace_id) as tx:
        scope = Scope(workspace_id, await squashes.moved(tx, workspace_id))
    questions = list(dict.fromkeys(question for _, question in asked))
    found = await count_currencies(runtime.parts.columnar, inquiry, scope, questions)
    counted = dict(zip(questions, found, strict=True))
    return tuple(
        Fault(pointer, _detail(counted[question])) for pointer, question in asked if len(counted[question]) > 1
    )


def _detail(counted: Mapping[str, int]) -> str:
    (commonest, most), *others = ((code.upper() or "no currency named", events) for code, events in counted.items())
    unlike, among = sum(events for _, events in others), ", ".join(f"{code} {events:,}" for code, events in others)
    return (
        f"{unlike:,} amounts are not like the other {most:,} ({commonest}): {among}. It holds for nobody who has "
        "amounts of several currencies: say in `convert` what each is worth"
    )
