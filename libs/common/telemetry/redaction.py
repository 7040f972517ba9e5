"""What leaves in a trace: where and how long, never who."""

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

_ADDRESSES = frozenset({"http.url", "http.target", "url.full"})
_PERSONAL = frozenset(
    {
        "url.query", "client.address", "http.client_ip", "net.peer.ip", "net.sock.peer.addr", "network.peer.address",
        "user_agent.original", "http.user_agent",
        # the text of an error quotes the value it is about
        "exception.message", "exception.stacktrace",
    }
)  # fmt: skip


def _clean(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    return {
        name: value.partition("?")[0] if name in _ADDRESSES and isinstance(value, str) else value
        for name, value in (attributes or {}).items()
        if name not in _PERSONAL
    }


def redacted(span: ReadableSpan) -> ReadableSpan:
    """Return a span without queries, callers' addresses and the texts of errors."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_clean(span.attributes),
        events=[Event(event.name, _clean(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class Redacting(SpanExporter):
    """Exports spans by another exporter, redacted."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the redacted spans."""
        return self._exporter.export([redacted(span) for span in spans])

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits."""
        return self._exporter.force_flush(timeout_millis)
