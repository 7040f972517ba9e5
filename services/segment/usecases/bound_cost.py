"""A question that would read too much is refused before it is asked, with the reason."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol, cast

from libs.common.runtime import Runtime
from services.segment.domain.condition import Inquiry
from services.segment.domain.definition import Definition
from services.segment.domain.fault import Fault
from services.segment.store.asking import estimate_rows, statement
from services.segment.store.columnar import Refusal
from services.segment.store.scope import Scope
from services.segment.store.workspaces import moment_of
from services.segment.usecases.ask_membership import NOT_TAKEN
from services.segment.usecases.check_definition import invalid

MOST_CHARACTERS = 1_500_000
"""Of a statement: the engine reads one so long for seconds, and gives up reading one of 4,000,000; 500 conditions with
filters and windows come to a third of it."""


class CostLimit(Protocol):
    """What the settings say of one definition's cost."""

    most_rows_read: int


@dataclass(frozen=True)
class Cost:
    """How long a question is, and how many rows the engine means to read for it about everybody."""

    characters: int = 0
    rows: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.characters + other.characters, self.rows + other.rows)


def is_within(runtime: Runtime[Any], cost: Cost) -> bool:
    """Tell whether a question of this cost is asked."""
    return cost.characters <= MOST_CHARACTERS and cost.rows <= _most_rows(runtime)


async def bound_length(runtime: Runtime[Any], *, workspace_id: int, definition: Definition, pointer: str = "") -> None:
    """Raise Invalid when a definition is too long a question, whomever it is asked about."""
    await _bounded(runtime, workspace_id, definition, pointer)


async def bound_cost(runtime: Runtime[Any], *, workspace_id: int, definition: Definition, pointer: str = "") -> Cost:
    """Raise Invalid when a definition, asked about everybody, is too long a question or reads too many rows."""
    inquiry, length = await _bounded(runtime, workspace_id, definition, pointer)
    if not inquiry.questions:
        return Cost()
    try:
        rows = await estimate_rows(runtime.parts.columnar, inquiry, Scope(workspace_id, None))
    except Refusal as refusal:
        raise invalid([Fault(pointer, NOT_TAKEN)]) from refusal
    most = _most_rows(runtime)
    if rows > most:
        detail = f"the question would read {rows:,} rows, at most {most:,} may be read: narrow its windows or names"
        raise invalid([Fault(pointer, detail)])
    return Cost(length, rows)


async def _bounded(
    runtime: Runtime[Any], workspace_id: int, definition: Definition, pointer: str
) -> tuple[Inquiry, int]:
    inquiry = Inquiry(moment_of(runtime, workspace_id, runtime.now(workspace_id)))
    # the heaviest definitions take seconds to spell
    length = await asyncio.to_thread(_length, definition, inquiry, Scope(workspace_id, None))
    if length > MOST_CHARACTERS:
        detail = (
            f"the question is {length:,} characters long, at most {MOST_CHARACTERS:,} are asked: use fewer conditions"
        )
        raise invalid([Fault(pointer, detail)])
    return inquiry, length


def _length(definition: Definition, inquiry: Inquiry, scope: Scope) -> int:
    definition.formula(inquiry)
    return len(statement(inquiry, scope)) if inquiry.questions else 0


def _most_rows(runtime: Runtime[Any]) -> int:
    return cast("CostLimit", runtime.settings).most_rows_read
