"""OpenTelemetry and logging, named once."""

import json
import logging
import sys
import time
from collections.abc import Mapping, MutableMapping

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from libs.common.personal import Personal
from libs.common.telemetry.redaction import Redacting

_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SAMPLE_RATIO = 0.05


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the fields given as `extra`, and the trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: _shown(value) for name, value in vars(record).items() if name not in _PLAIN})
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=repr)


def _shown(value: object) -> object:
    """Return a value with everything personal redacted: the JSON encoder would write the content of the text."""
    if isinstance(value, Personal):
        return str(value)
    if isinstance(value, Mapping):
        return {_shown(key): _shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_shown(item) for item in value]
    return value


def setup_logging(service: str, level: str) -> None:
    """Send every log line of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonLines()
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "nats", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger(__name__).debug("logging is set up", extra={"service": service})


def setup_tracing(service: str, otlp_endpoint: str) -> TracerProvider | None:
    """Export spans to an OTLP/HTTP collector when one is named; without one, only ids travel."""
    resource = Resource.create({"service.name": f"rapport-{service}", "service.namespace": "rapport"})
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(SAMPLE_RATIO)))
    trace.set_tracer_provider(provider)
    if not otlp_endpoint:
        return None
    exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(Redacting(exporter)))
    HTTPXClientInstrumentor().instrument()
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]  # the library is not typed
    return provider


def inject_headers(headers: MutableMapping[str, str] | None = None) -> dict[str, str]:
    """Return `headers` with the W3C traceparent of the present span."""
    carrier: dict[str, str] = dict(headers or {})
    propagate.inject(carrier)
    return carrier


def extract_headers(headers: Mapping[str, str] | None) -> object:
    """Return the OpenTelemetry context that came with a message's headers."""
    return propagate.extract(dict(headers or {}))
