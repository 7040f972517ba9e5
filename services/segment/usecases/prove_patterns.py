"""Broken RE2 patterns are refused before they are published: the engine that will run them is asked."""

from services.segment.domain.binding import Binder
from services.segment.domain.definition import Definition
from services.segment.domain.fault import Fault
from services.segment.store.columnar import Columnar, Refusal
from services.segment.usecases.check_definition import invalid


async def prove_patterns(columnar: Columnar, definition: Definition) -> None:
    """Raise Invalid with a pointer to each pattern that RE2 does not take."""
    faults = []
    for leaf in definition.leaves():
        for member, pattern in leaf.condition.patterns():
            bind = Binder()
            try:
                await columnar.rows(f"select match(materialize(''), {bind.text(pattern)})", bind.parameters)
            except Refusal:
                faults.append(Fault(f"{leaf.pointer}/{member}", "the pattern is not valid RE2"))
    if faults:
        raise invalid(faults)
