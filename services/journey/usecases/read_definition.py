"""Check a definition, and say everything that is wrong with it."""

from collections.abc import Mapping
from typing import Any

from libs.common.errors import FieldError, Invalid
from services.journey.domain.graph import Graph
from services.journey.domain.reading import Unsound, read_graph
from services.journey.store.graphs import Graphs


def errors_of(definition: Mapping[str, Any], graphs: Graphs) -> tuple[FieldError, ...]:
    """Return every error of a definition."""
    try:
        read_graph(definition, graphs.kinds)
    except Unsound as unsound:
        return unsound.errors
    return ()


def sound_graph(definition: Mapping[str, Any], graphs: Graphs) -> Graph:
    """Return the graph of a definition; raises Invalid with all its errors."""
    try:
        return read_graph(definition, graphs.kinds)
    except Unsound as unsound:
        first = unsound.errors[0]
        more = f" (and {len(unsound.errors) - 1} more)" if len(unsound.errors) > 1 else ""
        raise Invalid(f"{first.pointer or 'the definition'}: {first.detail}{more}", errors=unsound.errors) from unsound
