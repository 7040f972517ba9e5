"""Whether a definition may be published, and what is doubtful about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.db import Tx
from libs.common.errors import FieldError, Invalid
from services.segment.conditions.catalogue import grammar
from services.segment.domain.definition import Definition, parse_definition
from services.segment.domain.fault import Fault, InvalidDefinition
from services.segment.domain.printable import unprintable
from services.segment.store import trait_types
from services.segment.store.worlds import definition_text
from services.segment.usecases.list_doubts import list_doubts
from services.segment.usecases.list_references import list_references

MOST_BYTES = 500_000
"""Of a definition as JSON: some ten thousand listed values; longer lists are a trait, a tag or a manual list."""


@dataclass(frozen=True)
class Checked:
    """A valid definition and its warnings."""

    definition: Definition
    warnings: tuple[Fault, ...]


def invalid(faults: Sequence[Fault]) -> Invalid:
    """Return the problem that names every fault."""
    return Invalid("the definition is not valid", errors=[FieldError(fault.pointer, fault.detail) for fault in faults])


def bound_definition(body: object, *, pointer: str = "/definition") -> None:
    """Refuse what cannot be kept, be it a draft: too deep, too long, or no Unicode; raises Invalid with pointers."""
    faults = unprintable(body, pointer)
    if not faults and (size := len(definition_text(body).encode())) > MOST_BYTES:
        detail = f"the definition is {size:,} bytes long, at most {MOST_BYTES:,} are read: put long lists into a tag"
        faults = [Fault(pointer, detail)]
    if faults:
        raise invalid(faults)


def read_definition(body: object, *, pointer: str = "/definition") -> Definition:
    """Parse a definition; raises Invalid with a pointer to each fault."""
    bound_definition(body, pointer=pointer)
    try:
        return parse_definition(body, grammar(), pointer=pointer)
    except InvalidDefinition as refused:
        raise invalid(refused.faults) from refused


async def check_definition(
    tx: Tx, *, workspace_id: int, definition: Definition, segment_id: UUID | None = None
) -> Checked:
    """Refuse references to unknown segments and to itself, and operators that never hold; warn of what is doubtful."""
    await check_references(tx, workspace_id=workspace_id, definition=definition, segment_id=segment_id)
    await _check_types(tx, workspace_id, definition)
    return Checked(definition, await list_doubts(tx, workspace_id=workspace_id, definition=definition))


async def check_references(
    tx: Tx, *, workspace_id: int, definition: Definition, segment_id: UUID | None = None
) -> None:
    """Refuse references to unknown segments, and to itself."""
    if not definition.concerns().segments:
        return
    refers = await list_references(tx, workspace_id)
    faults = []
    for leaf in definition.leaves():
        for referred in leaf.condition.concerns().segments:
            if referred not in refers:
                faults.append(Fault(leaf.pointer, f"there is no segment {referred}"))
            elif segment_id is not None and segment_id in _reachable(referred, refers):
                faults.append(Fault(leaf.pointer, "the segment would depend on itself"))
    if faults:
        raise invalid(faults)


async def _check_types(tx: Tx, workspace_id: int, definition: Definition) -> None:
    wanted = [(leaf.pointer, *fit) for leaf in definition.leaves() for fit in leaf.condition.fits()]
    if not wanted:
        return
    declared = await trait_types.types_of(tx, workspace_id, {name for _, name, _, _ in wanted})
    faults = [
        Fault(f"{pointer}/op", f"{name!r} is declared a {declared[name]}, which `{operator}` never holds for")
        for pointer, name, operator, types in wanted
        if name in declared and declared[name] not in types
    ]
    if faults:
        raise invalid(faults)


def _reachable(start: UUID, refers: dict[UUID, set[UUID]]) -> set[UUID]:
    found: set[UUID] = set()
    waiting = [start]
    while waiting:
        segment = waiting.pop()
        if segment not in found:
            found.add(segment)
            waiting.extend(refers.get(segment, ()))
    return found
