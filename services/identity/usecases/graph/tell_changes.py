"""What the other services hear when the partition changes."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from libs.common.contracts.event import Event
from libs.common.contracts.identity.identifier_moved import IdentifierMoved
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.contracts.identity.person_split import Part, PersonSplit
from libs.common.ids import fact_id
from services.identity.domain.persons import ownership_id
from services.identity.store.links import Pair
from services.identity.store.nodes import Key, key, number_of, workspace_of
from services.identity.usecases.graph.assign_regions import Outcome
from services.identity.usecases.graph.batch import Batch, Move, PersonChanges, Span


def tell_changes(
    batch: Batch, outcome: Outcome, changes: PersonChanges, watermark: Mapping[int, datetime]
) -> list[Event]:
    """Return the events of one batch's changes; sets `since` of the identifiers that changed hands.

    `watermark` is the greatest arrival behind the changes, per workspace.
    """
    merged = dict(changes.merged)
    arrivals = {row.key for row in changes.created} | set(changes.revived)
    events: list[Event] = list(_created(changes, watermark))
    events.extend(_merged(changes, watermark))
    around: dict[Key, list[Pair]] = {}
    for pair in outcome.states:
        for end in pair:
            around.setdefault(end, []).append(pair)
    leaving: dict[Key, dict[Key, list[Key]]] = {}
    # Nothing was ever said under what is nobody's now.
    for move in (one for one in changes.moves if one.to_person):
        before, after = key(move.node >> 32, move.from_person), key(move.node >> 32, move.to_person)
        moved = bool(move.from_person) and merged.get(before) != after
        if moved and after in arrivals and _bridges(batch, move.node):
            leaving.setdefault(before, {}).setdefault(after, []).append(move.node)
        elif moved:
            # a device is told interval by interval where it ever was somebody else's
            if _bridges(batch, move.node):
                move.since = handed_over_at(outcome, around.get(move.node, ()))
            events.append(_identifier_moved(changes, move, watermark))
        if not batch.nodes[move.node].is_timed:
            events.append(_owned(batch, changes, move, watermark))
    events.extend(_owned(batch, changes, span, watermark) for span in changes.spans)
    events.extend(_split(changes, leaving, watermark))
    return events


def _bridges(batch: Batch, one: Key) -> bool:
    row = batch.nodes[one]
    return batch.policies[row.workspace_id].of(row.namespace).bridges


def handed_over_at(outcome: Outcome, pairs: Iterable[Pair]) -> datetime | None:
    """Return the event time from which an identifier with these links is its new owner's.

    That is the new owner's first sighting after the old one's last; None when nothing tells the two apart in time.
    """
    gained: list[datetime] = []
    first: list[datetime] = []
    lost: list[datetime] = []
    for pair in pairs:
        state, facts = outcome.states[pair], outcome.facts[pair]
        seen = facts.seen_at()
        if state is None or seen is None or facts.is_twin:
            continue
        if state.state != "active":
            lost.append(seen)
            continue
        gained.append(seen)
        first.append(facts.first_at or seen)
    if not lost or not first:
        return None
    return min(first) if min(first) > max(lost) else max(gained)


def _created(changes: PersonChanges, watermark: Mapping[int, datetime]) -> Iterable[PersonCreated]:
    for one, revived in (*((row.key, False) for row in changes.created), *((one, True) for one in changes.revived)):
        at = watermark[workspace_of(one)]
        yield PersonCreated(
            id=fact_id("person", workspace_of(one), number_of(one), changes.version if revived else 0),
            workspace_id=workspace_of(one),
            person_no=number_of(one),
            person_id=changes.ids[one],
            received_at=at,
            occurred_at=at,
            graph_version=changes.version,
            revived=revived,
        )


def _merged(changes: PersonChanges, watermark: Mapping[int, datetime]) -> Iterable[PersonMerged]:
    absorbed: dict[Key, list[Absorbed]] = {}
    for ended, survivor in changes.merged:
        absorbed.setdefault(survivor, []).append(Absorbed(number_of(ended), changes.ids[ended]))
    for survivor, gone in absorbed.items():
        at = watermark[workspace_of(survivor)]
        yield PersonMerged(
            workspace_id=workspace_of(survivor),
            person_no=number_of(survivor),
            person_id=changes.ids[survivor],
            received_at=at,
            occurred_at=at,
            absorbed=tuple(gone),
            graph_version=changes.version,
        )


def _split(
    changes: PersonChanges, leaving: dict[Key, dict[Key, list[Key]]], watermark: Mapping[int, datetime]
) -> Iterable[PersonSplit]:
    revived = set(changes.revived)
    for person, parts in leaving.items():
        at = watermark[workspace_of(person)]
        yield PersonSplit(
            workspace_id=workspace_of(person),
            person_no=number_of(person),
            person_id=changes.ids[person],
            received_at=at,
            occurred_at=at,
            parts=tuple(
                Part(number_of(part), changes.ids[part], tuple(number_of(one) for one in nodes), part in revived)
                for part, nodes in parts.items()
            ),
            graph_version=changes.version,
        )


def _identifier_moved(changes: PersonChanges, move: Move, watermark: Mapping[int, datetime]) -> IdentifierMoved:
    at = watermark[workspace_of(move.node)]
    return IdentifierMoved(
        workspace_id=workspace_of(move.node),
        person_no=move.to_person,
        received_at=at,
        occurred_at=move.since or at,
        subject_no=number_of(move.node),
        from_person_no=move.from_person,
        graph_version=changes.version,
    )


def _owned(
    batch: Batch, changes: PersonChanges, move: Move | Span, watermark: Mapping[int, datetime]
) -> OwnershipChanged:
    row = batch.nodes[move.node]
    person: UUID = changes.ids[key(row.workspace_id, move.to_person)]
    at = watermark[row.workspace_id]
    until = move.until if isinstance(move, Span) else None
    return OwnershipChanged(
        id=ownership_id(row.workspace_id, row.node_no, changes.version, move.to_person, move.since, until),
        workspace_id=row.workspace_id,
        person_no=move.to_person,
        person_id=person,
        received_at=at,
        occurred_at=move.since or at,
        subject_no=row.node_no,
        version=changes.version,
        namespace=row.namespace,
        scope=row.scope,
        lookup=row.lookup,
        sealed_value=base64.b64encode(row.sealed).decode("ascii"),
        since=move.since,
        from_person_no=move.from_person,
        until=until,
    )
