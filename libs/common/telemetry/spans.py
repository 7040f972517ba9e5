"""Spans of what is not HTTP: a batch taken from the bus."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind


@contextmanager
def continued(name: str, headers: Mapping[str, str], events: int) -> Iterator[None]:
    """Work inside a consumer span that continues the trace a message came with."""
    context = propagate.extract(dict(headers))
    attributes = {"messaging.batch.message_count": events}
    with trace.get_tracer("rapport").start_as_current_span(
        name, context=context, kind=SpanKind.CONSUMER, attributes=attributes
    ):
        yield
