"""Devices that change hands: their holds computed anew, and told where an interval has another owner than before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.painting import BEGINNING, END, Interval, paint, repainted
from services.identity.domain.device_times import Hold, Signal, holds, names_somebody
from services.identity.domain.evidence import DECIDED, Identifier
from services.identity.domain.policy import NamespacePolicy
from services.identity.store import device_signals, history, nodes, persons
from services.identity.store.device_signals import SignalRow
from services.identity.store.links import Pair, ends
from services.identity.store.nodes import Key, NodeRow, key, number_of, workspace_of
from services.identity.store.persons import PersonRow
from services.identity.usecases.graph.assign_regions import Outcome
from services.identity.usecases.graph.backfill_signals import backfill_signals
from services.identity.usecases.graph.batch import Batch, PersonChanges, Span
from services.identity.usecases.graph.load_regions import name_of
from services.identity.usecases.graph.tools import GraphTools

UNPROVED = frozenset({"consent", "cannot_link", "hub"})
"""Why a link says nothing about who was on a device, then as now."""


@dataclass(slots=True)
class _Device:
    """A device of the decided regions with its links to those who can hold it."""

    row: NodeRow
    policy: NamespacePolicy
    claims: dict[Key, Pair] = field(default_factory=dict)
    was_logged_out: bool = False


async def time_devices(
    tx: Tx, batch: Batch, tools: GraphTools, outcome: Outcome, changes: PersonChanges | None
) -> PersonChanges | None:
    """Compute the holds of the decided devices whose history matters; add what changed to the persons' changes.

    A device that one person ever used keeps nothing but who that is: its whole history is his.
    """
    devices = _devices(batch, outcome)
    if not devices:
        return changes
    await _note_holders(tx, batch, outcome, devices)
    timed = {one: found for one, found in devices.items() if found.row.is_timed or one in batch.untimed}
    if not timed:
        return changes
    stale = {one for one in timed if one in batch.backfilled or not batch.facts} - batch.untimed
    await backfill_signals(tx, batch, tools, {one: set(timed[one].claims) for one in stale})
    told = changes or PersonChanges(await persons.next_version(tx))
    owners = _Owners(batch, outcome, told)
    known = await device_signals.read(tx, timed)
    names = await _names(tx, batch, tools, known)
    kept = {one: found for one, found in timed.items() if one not in batch.untimed}
    held = {one: _held(batch, outcome, found, known[one], names) for one, found in kept.items()}
    await _leave_out_empty(tx, kept, held)
    for one in batch.untimed & timed.keys():
        told.spans.extend(await _moved(tx, one, owners.whole(one)))
    for one, found in held.items():
        told.spans.extend(await _moved(tx, one, await owners.of_holds(tx, tools, kept[one], found)))
    return await _finished(tx, told, changes)


def _devices(batch: Batch, outcome: Outcome) -> dict[Key, _Device]:
    found: dict[Key, _Device] = {}
    touched = _touched(batch, outcome) if batch.facts else None
    for group in outcome.groups:
        for one in group:
            row = batch.nodes[one]
            policy = batch.policies[row.workspace_id].of(row.namespace)
            if not policy.bridges and (row.is_timed or touched is None or one in touched):
                found[one] = _Device(row, policy)
    for pair, state in outcome.states.items() if found else ():
        for one, other in (pair, pair[::-1]):
            device = found.get(one)
            if device is None or state is None:
                continue
            device.was_logged_out |= outcome.facts[pair].logout_at is not None
            if names_somebody(batch.policies[workspace_of(other)].of(batch.nodes[other].namespace)):
                device.claims[other] = pair
    return found


def _touched(batch: Batch, outcome: Outcome) -> set[Key]:
    """Return the nodes of which a batch says something new: what is noted of the other devices stays."""
    pairs = {pair for pair, _ in batch.added} | {one.pair for one in outcome.decisions}
    return ends(pairs) | batch.suspects | outcome.changed


async def _note_holders(tx: Tx, batch: Batch, outcome: Outcome, devices: Mapping[Key, _Device]) -> None:
    """Note who holds devices that one person ever used, and begin to keep the holds of the others."""
    suspects: dict[Key, datetime] = {}
    for one, device in devices.items():
        row = device.row
        if row.is_shared or device.policy.anonymous_history == "moves":
            _set_timed(batch, outcome, device, timed=False)
        elif not row.is_timed and _is_contested(outcome, device):
            _set_timed(batch, outcome, device, timed=True)
        elif not row.is_timed and device.claims:
            ((holder, pair),) = device.claims.items()
            since = outcome.facts[pair].first_at
            if (row.holder_no, row.held_since) != (number_of(holder), since) or one in batch.suspects:
                row.holder_no, row.held_since = number_of(holder), since
                outcome.changed.add(one)
                suspects[one] = _reaches_to(device.policy, since or BEGINNING)
    for one in await device_signals.used_before(tx, suspects) if suspects else ():
        _set_timed(batch, outcome, devices[one], timed=True)


def _reaches_to(policy: NamespacePolicy, since: datetime) -> datetime:
    if policy.look_back_days is None:
        return BEGINNING
    return max(BEGINNING, since - timedelta(days=policy.look_back_days))


def _is_contested(outcome: Outcome, device: _Device) -> bool:
    if len(device.claims) > 1:
        return True
    for pair in device.claims.values():
        state, facts = outcome.states[pair], outcome.facts[pair]
        if state is None or state.state != "active" or facts.unbound() is not None or facts.retracted_at:
            return True
    return bool(device.claims) and device.was_logged_out


def _set_timed(batch: Batch, outcome: Outcome, device: _Device, *, timed: bool) -> None:
    row = device.row
    if timed == row.is_timed:
        return
    row.is_timed, row.holder_no, row.held_since = timed, 0, None
    outcome.changed.add(row.key)
    if timed:
        batch.backfilled.add(row.key)
    else:
        batch.untimed.add(row.key)


async def _names(
    tx: Tx, batch: Batch, tools: GraphTools, known: Mapping[Key, list[SignalRow]]
) -> dict[Key, Identifier]:
    """Return the identifiers that signals name; those that ceased to be are absent."""
    wanted = {key(row.workspace_id, row.who_no) for rows in known.values() for row in rows if row.who_no}
    names = {one: batch.names[one] for one in wanted if one in batch.names}
    missing = wanted - names.keys()
    for row in await nodes.read(tx, missing) if missing else ():
        names[row.key] = name_of(row, tools)
    return names


def _held(
    batch: Batch, outcome: Outcome, device: _Device, rows: Iterable[SignalRow], names: Mapping[Key, Identifier]
) -> list[tuple[Hold, Key]]:
    """Return the holds of a device, with the identifiers that hold it as nodes (0: nobody)."""
    workspace_id = device.row.workspace_id
    keys = {names[one]: one for one in (key(workspace_id, row.who_no) for row in rows) if one in names}
    signals: list[Signal] = []
    for row in rows:
        who = key(workspace_id, row.who_no) if row.who_no else 0
        pair = device.claims.get(who)
        if who and (who not in names or pair is None or _says_nothing(outcome, pair)):
            continue
        signals.append(Signal(row.at, row.kind, names.get(who), row.tier))  # type: ignore[arg-type]
    for who, pair in device.claims.items():
        state, seen = outcome.states[pair], outcome.facts[pair].seen_at()
        let_go = state is not None and state.reason in (f"limit:{device.row.namespace}", "parent")
        if let_go and seen is not None and who in names:
            # beyond a limit it is resolvable as of its own time, and no longer
            signals.append(Signal(seen, "unbind", names[who], DECIDED))
    found = holds(signals, device.policy, batch.now[workspace_id])
    _note_last(outcome, device.row, found[-1], keys)
    return [(one, keys[one.who] if one.who is not None else 0) for one in found]


async def _leave_out_empty(tx: Tx, devices: Mapping[Key, _Device], held: Mapping[Key, list[tuple[Hold, Key]]]) -> None:
    """Let the first user have the time before him too where nothing was done in it: that needs no anonymous person."""
    early = {
        one: holds[1][0].starts_at
        for one, holds in held.items()
        if len(holds) > 1 and not devices[one].row.anonymous_no and [who for _, who in holds].count(0) == 1
        if not holds[0][1]
    }
    used = await device_signals.used_before(tx, early) if early else set()
    for one in early.keys() - used:
        del held[one][0]
        held[one][0] = held[one][0][0]._replace(starts_at=BEGINNING), held[one][0][1]


def _note_last(outcome: Outcome, row: NodeRow, last: Hold, keys: Mapping[Identifier, Key]) -> None:
    holder = number_of(keys[last.who]) if last.who is not None else 0
    if (row.holder_no, row.held_since) != (holder, last.logged_in_at):
        row.holder_no, row.held_since = holder, last.logged_in_at
        outcome.changed.add(row.key)


def _says_nothing(outcome: Outcome, pair: Pair) -> bool:
    state = outcome.states[pair]
    return state is None or state.reason in UNPROVED or state.reason == "inferred"


class _Owners:
    """Whose identifiers are after the batch's moves, and who stands for the time of a device that is nobody's."""

    def __init__(self, batch: Batch, outcome: Outcome, changes: PersonChanges) -> None:
        self._batch = batch
        self._outcome = outcome
        self._changes = changes
        self._moved = {move.node: move.to_person for move in changes.moves}
        self._alone = {
            one for group in outcome.groups if not any(self._names_somebody(other) for other in group) for one in group
        }

    def _names_somebody(self, one: Key) -> bool:
        row = self._batch.nodes[one]
        return names_somebody(self._batch.policies[row.workspace_id].of(row.namespace))

    def _owner(self, one: Key) -> int:
        return self._moved.get(one, self._batch.nodes[one].person_no)

    def whole(self, one: Key) -> list[Interval]:
        """Return all of time as the present owner's; nothing where a move says so anyhow."""
        return [] if one in self._moved else [Interval(BEGINNING, END, self._owner(one))]

    async def of_holds(
        self, tx: Tx, tools: GraphTools, device: _Device, held: list[tuple[Hold, Key]]
    ) -> list[Interval]:
        """Return the holds as intervals of persons."""
        found: list[Interval] = []
        for hold, who in held:
            owner = self._owner(who) if who else await self._nobody(tx, tools, device)
            if found and found[-1].person_no == owner:
                continue
            if found:
                found[-1] = found[-1]._replace(valid_to=hold.starts_at)
            found.append(Interval(hold.starts_at, END, owner))
        return found

    async def _nobody(self, tx: Tx, tools: GraphTools, device: _Device) -> int:
        """Return the anonymous person of a device: its own where it stands alone, else one that is made for it."""
        row = device.row
        if row.key in self._alone:
            return self._owner(row.key)
        if not row.anonymous_no:
            workspace_id = row.workspace_id
            (row.anonymous_no,) = await self._batch.take_persons(tx, tools.numbers, workspace_id, 1)
            made = PersonRow(
                workspace_id, row.anonymous_no, new_id(), "active", None, None,
                self._changes.version, self._batch.now[workspace_id],
            )  # fmt: skip
            self._changes.created.append(made)
            self._changes.ids[made.key] = made.person_id
            self._outcome.changed.add(row.key)
        return row.anonymous_no


async def _moved(tx: Tx, one: Key, after: list[Interval]) -> list[Span]:
    """Return the intervals of a device that have another owner than was told so far."""
    if not after:
        return []
    said = await history.ownership_of(tx, workspace_of(one), [number_of(one)])
    return [
        Span(one, old, new.person_no, _open(new.valid_from, BEGINNING), _open(new.valid_to, END))
        for new, old in repainted(paint(said), after)
    ]


def _open(at: datetime, edge: datetime) -> datetime | None:
    return None if at == edge else at


async def _finished(tx: Tx, told: PersonChanges, changes: PersonChanges | None) -> PersonChanges | None:
    """Return the changes with the ids of everybody they name, None when there are none."""
    if not told.spans:
        return changes
    missing = {key(workspace_of(span.node), span.to_person) for span in told.spans} - told.ids.keys()
    if missing:
        told.ids |= {one: row.person_id for one, row in (await persons.read(tx, missing)).items()}
    return told
