"""Why one person is a member, or is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from pyroaring import BitMap

from libs.common.runtime import Runtime
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import Definition
from services.segment.domain.draw import DRAWS, draw_of
from services.segment.domain.formula import All, AnyOf, Atom, Drawn, Formula, Members, Not
from services.segment.store import owners, persons, segments, squashes
from services.segment.store.asking import MOST_SEEN, Seen, explain, explain_events
from services.segment.store.parts import SegmentParts
from services.segment.store.scope import Scope
from services.segment.store.segments import DescribedRow
from services.segment.store.workspaces import moment_of
from services.segment.usecases.ask_membership import Asked, ask_persons
from services.segment.usecases.guard_personal import personal_traits

EVENTS_AT_ONCE = 10
"""So many questions are asked which events they looked at before a round may go on."""


@dataclass(frozen=True)
class ConditionExplained:
    """Whether a condition holds, the value that decides it, and the latest events it looked at, newest first."""

    pointer: str
    holds: bool
    value: str | None
    events: tuple[Seen, ...]
    masked: bool = False
    """It has a value that the reader may not see."""


@dataclass(frozen=True)
class Explained:
    """Membership, the hand-made list that decides it (if any), and every condition; a snapshot has none."""

    member: bool
    manual: str | None
    conditions: tuple[ConditionExplained, ...]


async def explain_person(
    runtime: Runtime[SegmentParts], *, workspace_id: int, subject: Definition | UUID, person_no: int, reveal: bool
) -> Explained:
    """Explain a live segment, or a definition, for one person, now; personal values only where told to `reveal`."""
    now = runtime.now(workspace_id)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        world = await runtime.parts.world(tx, workspace_id, now=now)
        present = (await persons.present(tx, workspace_id, [person_no])).get(person_no, person_no)
    segment = world.segments.get(subject) if isinstance(subject, UUID) else None
    definition = segment.definition if segment else subject
    if isinstance(definition, UUID):
        return Explained(False, None, ())
    stands = None
    if segment and not segment.is_asked:
        kept = await ask_persons(runtime, workspace_id=workspace_id, subject=segment.segment_id, person_nos=[present])
        stands = present in kept.found
        if segment.is_frozen:
            return Explained(stands, None, ())
    asked = await ask_persons(runtime, workspace_id=workspace_id, subject=definition, person_nos=[present])
    conditions = await _conditions(runtime, workspace_id, definition, asked, present)
    if not reveal:
        conditions = await _masked(runtime, workspace_id, definition, conditions)
    manual = None
    member = present in asked.found
    if segment and present in asked.among:
        manual = "exclude" if present in segment.excluded else "include" if present in segment.included else None
        member = present in segment.with_lists(asked.found, BitMap([present]))
    return Explained(member if stands is None else stands, manual, conditions)


async def _conditions(
    runtime: Runtime[SegmentParts], workspace_id: int, definition: Definition, asked: Asked, person_no: int
) -> tuple[ConditionExplained, ...]:
    inquiry = Inquiry(moment_of(runtime, workspace_id, runtime.now(workspace_id)))
    formulas = {leaf.pointer: leaf.condition.formula(inquiry) for leaf in definition.leaves()}
    async with runtime.worker_database.transaction(workspace_id) as tx:
        referred = await segments.described(tx, workspace_id, definition.concerns().segments)
    async with runtime.parts.locks[workspace_id]:
        scope = await _scope(runtime, workspace_id, person_no)
        values = await explain(runtime.parts.columnar, inquiry, scope)
    seen: dict[int, list[Seen]] = {}
    for begin in range(0, len(inquiry.questions), EVENTS_AT_ONCE):
        # a statement each: rounds go on in between
        async with runtime.parts.locks[workspace_id]:
            scope, numbers = await _scope(runtime, workspace_id, person_no), range(begin, begin + EVENTS_AT_ONCE)
            seen |= await explain_events(runtime.parts.columnar, inquiry, scope, numbers)

    def shown(formula: Formula, *, holds: bool) -> str | None:
        match formula:
            case Not(Members(segment_id)):
                return _place(referred.get(segment_id), is_in=not holds and person_no in asked.among)
            case Members(segment_id):
                return _place(referred.get(segment_id), is_in=holds)
            case Drawn(salt):
                return f"{draw_of(person_no, salt) * 100 / DRAWS:.4f}"
        return _value(formula, values)

    return tuple(
        ConditionExplained(
            pointer,
            holds := person_no in asked.by_condition[pointer],
            shown(formula, holds=holds),
            _events(formula, seen),
        )
        for pointer, formula in formulas.items()
    )


async def _scope(runtime: Runtime[SegmentParts], workspace_id: int, person_no: int) -> Scope:
    async with runtime.worker_database.transaction(workspace_id) as tx:
        under = await owners.stored_under(tx, workspace_id, [person_no])
        merged = await squashes.moved(tx, workspace_id)
    return Scope(workspace_id, merged, [person_no], sorted({person_no, *under}))


async def _masked(
    runtime: Runtime[SegmentParts],
    workspace_id: int,
    definition: Definition,
    conditions: tuple[ConditionExplained, ...],
) -> tuple[ConditionExplained, ...]:
    """Take out what the conditions about traits saw that are personal, by name or because one of them ever was."""
    names, overrides = definition.concerns().traits, runtime.personal_names(workspace_id)
    async with runtime.worker_database.transaction(workspace_id) as tx:
        hidden = await personal_traits(tx, workspace_id=workspace_id, names=names, overrides=overrides)
    looked_at = {leaf.pointer: leaf.condition.concerns().traits for leaf in definition.leaves()}
    return tuple(
        one if looked_at[one.pointer].isdisjoint(hidden) else replace(one, value=None, masked=True)
        for one in conditions
    )


def _place(segment: DescribedRow | None, *, is_in: bool) -> str:
    where = "in" if is_in else "not in"
    match segment:
        case None:
            return f"{where} a segment that is deleted"
        case DescribedRow(state="draft"):
            return f"{where} {segment.name!r}, a draft"
        case DescribedRow(state="paused"):
            return f"{where} {segment.name!r}, which is paused"
        case DescribedRow(state="frozen", snapshot_of=str(source)):
            return f"{where} {segment.name!r}, a snapshot of {source!r}"
        case DescribedRow(state="frozen"):
            return f"{where} {segment.name!r}, a snapshot"
    return f"{where} {segment.name!r}"


def _value(formula: Formula, values: list[str]) -> str | None:
    """Return what the first question that looked at anything saw; "" when none did, None where none was put."""
    shown = [values[atom.number] for atom in _atoms(formula)]
    return next((one for one in shown if one), "") if shown else None


def _events(formula: Formula, seen: Mapping[int, list[Seen]]) -> tuple[Seen, ...]:
    """Return the latest of what any of its questions looked at."""
    found = {one for atom in _atoms(formula) for one in seen.get(atom.number, ())}
    return tuple(sorted(found, key=lambda one: (one.event_time, one.event_id), reverse=True)[:MOST_SEEN])


def _atoms(formula: Formula) -> Iterator[Atom]:
    match formula:
        case Atom():
            yield formula
        case Not(inner):
            yield from _atoms(inner)
        case All(inner) | AnyOf(inner):
            for part in inner:
                yield from _atoms(part)
