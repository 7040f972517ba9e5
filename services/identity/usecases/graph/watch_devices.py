"""What evidence that repeats the known may still say about the holds of devices."""

from datetime import timedelta

from services.identity.domain.device_times import names_somebody
from services.identity.domain.policy import NamespacePolicy
from services.identity.store.device_signals import SignalRow
from services.identity.store.nodes import Key, NodeRow, number_of
from services.identity.usecases.graph.backfill_signals import rows_of
from services.identity.usecases.graph.batch import Batch, Fact


def signals_on_devices(batch: Batch) -> list[SignalRow]:
    """Return what the batch's new facts say of who was on devices whose holds are kept."""
    if not any(row.is_timed for row in batch.nodes.values()):
        return []
    return [row for fact in batch.facts if fact.is_new for row in _signals(batch, fact)]


def _signals(batch: Batch, fact: Fact) -> list[SignalRow]:
    if not any(batch.nodes[one].is_timed for one in fact.keys):
        return []
    numbers = {identifier: batch.key_of(fact.workspace_id, identifier) for identifier in fact.evidence.identifiers}
    found = rows_of(fact.evidence, numbers, batch.policies[fact.workspace_id])
    return [row for row in found if batch.nodes[row.key].is_timed]


def holds_stay(batch: Batch, fact: Fact) -> bool:
    """Return whether a fact leaves the holds of its devices as they are: another sighting of who holds them."""
    devices = [one for one in fact.keys if _is_watched(batch, one)]
    if not devices:
        return True
    if fact.evidence.kind == "logout":
        batch.suspects.update(devices)
        return False
    seen = False
    for pair in fact.pairs:
        for device, who in (pair, pair[::-1]):
            if device in devices and names_somebody(_policy(batch, who)) and not batch.nodes[who].is_shared:
                seen = True
                if not _is_his(batch.nodes[device], who, fact):
                    return False
    if seen:
        return True
    early = {one for one in devices if _is_older(batch.nodes[one], _policy(batch, one), fact)}
    batch.suspects |= early
    return not early


def _is_watched(batch: Batch, one: Key) -> bool:
    policy = _policy(batch, one)
    if policy.bridges or policy.anonymous_history != "own_time":
        return False
    return not batch.nodes[one].is_shared and one not in batch.rising


def _is_his(row: NodeRow, who: Key, fact: Fact) -> bool:
    since = row.held_since
    return row.holder_no == number_of(who) and since is not None and fact.evidence.effective_time >= since


def _is_older(row: NodeRow, policy: NamespacePolicy, fact: Fact) -> bool:
    """Whether nobody's evidence is older than the time that the one holder of a device is taken to have had it."""
    if row.held_since is None:
        return False
    if row.is_timed:
        # with an anonymous person all of its time is told
        return not row.anonymous_no and fact.evidence.effective_time < row.held_since
    if policy.look_back_days is None:
        return False
    return fact.evidence.effective_time < row.held_since - timedelta(days=policy.look_back_days)


def _policy(batch: Batch, one: Key) -> NamespacePolicy:
    row = batch.nodes[one]
    return batch.policies[row.workspace_id].of(row.namespace)
