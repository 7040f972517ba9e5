"""What people allow and withdraw of having their identifiers linked, taken into the graph as it is heard."""

from collections.abc import Sequence

from libs.common.contracts.profile.permission_changed import PermissionChanged
from libs.common.db import Tx
from services.identity.domain.consents import Permission, Step, newest, next_step
from services.identity.store import nodes, regions
from services.identity.store.nodes import Key, NodeRow, key
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.resolve_evidence import open_batch, reassign, under_locks
from services.identity.usecases.graph.tools import GraphTools

Heard = dict[Key, dict[str, Permission]]


async def take_permissions(tx: Tx, events: Sequence[PermissionChanged], tools: GraphTools) -> None:
    """Keep what was said of identifiers, the greatest version of each purpose, and assign their regions anew.

    Evidence that came before and evidence that comes after are treated alike: what is kept belongs to the identifier,
    not to its links. Of an identifier that was erased nothing is kept.
    """
    heard: Heard = {}
    for event in events:
        one = key(event.workspace_id, event.subject_no)
        said = Permission(event.version, tuple(Step(step.since, step.state) for step in event.steps))
        heard[one] = newest(heard.get(one, {}), {event.purpose: said})
    batch = await open_batch(tx, {event.workspace_id for event in events}, tools)
    batch.watermark = {event.workspace_id: event.received_at for event in events}
    for event in events:
        batch.watermark[event.workspace_id] = max(event.received_at, batch.watermark[event.workspace_id])

    async def work(*, patient: bool) -> None:
        changed = _keep(batch, heard)
        if not changed:
            return
        await nodes.permit(tx, [row for row, _ in changed])
        due = {row.key: at for row, _ in changed if (at := next_step(row.permissions, batch.now[row.workspace_id]))}
        await regions.schedule(tx, due)
        batch.consenting = {row.key for row, counts in changed if counts}
        # Who consents no more is reached no more: hubs around him may fall.
        await reassign(tx, batch, tools, batch.consenting, batch.consenting, patient=patient)

    await under_locks(tx, batch, tools, set(heard), work)


def _keep(batch: Batch, heard: Heard) -> list[tuple[NodeRow, bool]]:
    """Put what is new into the locked nodes; return them, and whether what counts at present is another."""
    found: list[tuple[NodeRow, bool]] = []
    for one, said in sorted(heard.items()):
        row = batch.nodes.get(one)
        if row is None:
            continue
        now = batch.now[row.workspace_id]
        before, known = row.consents(now), row.permissions
        row.permissions = newest(known, said)
        if row.permissions != known:
            found.append((row, row.consents(now) != before))
    return found
