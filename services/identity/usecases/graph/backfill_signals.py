"""Who was seen on devices, read from the evidence when their holds begin to matter or were taken from."""

from collections.abc import Mapping

from libs.common.db import Tx
from services.identity.domain.device_times import signals_of
from services.identity.domain.evidence import Evidence, Identifier
from services.identity.domain.policy import PolicySet
from services.identity.store import device_signals, evidence
from services.identity.store.device_signals import SignalRow
from services.identity.store.nodes import Key, number_of, workspace_of
from services.identity.usecases.graph.batch import Batch
from services.identity.usecases.graph.stored_evidence import evidence_of, name_nodes
from services.identity.usecases.graph.tools import GraphTools


async def backfill_signals(tx: Tx, batch: Batch, tools: GraphTools, devices: Mapping[Key, set[Key]]) -> None:
    """Say anew who was seen on locked devices, given with those whose evidence may name them."""
    gone = batch.untimed | devices.keys()
    await device_signals.delete(tx, gone)
    by_workspace: dict[int, set[Key]] = {}
    for one in devices:
        by_workspace.setdefault(workspace_of(one), set()).add(one)
    for workspace_id, keys in by_workspace.items():
        around = keys.union(*(devices[one] for one in keys))
        around |= {end for pair in batch.links if keys & set(pair) for end in pair}
        rows = await evidence.naming(
            tx, workspace_id, [number_of(one) for one in keys], [number_of(one) for one in around]
        )
        await name_nodes(tx, batch, tools, rows)
        numbers = {name: one for one, name in batch.names.items() if workspace_of(one) == workspace_id}
        policies = batch.policies[workspace_id]
        found = [row for said in rows for row in rows_of(evidence_of(said, batch), numbers, policies)]
        await device_signals.append(tx, [row for row in found if row.key in keys])


def rows_of(said: Evidence, numbers: Mapping[Identifier, Key], policies: PolicySet) -> list[SignalRow]:
    """Return what evidence says of who was on the devices it names, by node numbers."""
    return [
        SignalRow(
            workspace_of(numbers[device]),
            number_of(numbers[device]),
            signal.at,
            said.event_id,
            said.part,
            signal.kind,
            number_of(numbers[signal.who]) if signal.who is not None else 0,
            signal.tier,
        )
        for device, signal in signals_of(said, policies)
    ]
