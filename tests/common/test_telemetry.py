import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from libs.common.telemetry.redaction import Redacting

CANARY = "canary@secret-mail.example"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(Redacting(exporter)))
    return made


def everything(exporter: InMemorySpanExporter) -> str:
    return "\n".join(span.to_json() for span in exporter.get_finished_spans())


async def test_a_traced_request_tells_neither_its_query_nor_who_asked(exporter, provider):
    app = FastAPI()

    @app.get("/persons")
    async def find(value: str) -> str:
        if value.startswith("broken"):
            raise asyncpg.DataError(f"invalid input for query argument $1: {value!r}")
        return value

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    transport = AsyncOpenTelemetryTransport(httpx.ASGITransport(app=app), tracer_provider=provider)
    agent = {"user-agent": f"Browser of {CANARY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://profile.test", headers=agent) as client:
        assert (await client.get("/persons", params={"value": CANARY})).json() == CANARY
        with pytest.raises(asyncpg.DataError):
            await client.get("/persons", params={"value": f"broken {CANARY}"})
    told = everything(exporter)
    assert "/persons" in told
    assert "DataError" in told
    assert "canary" not in told
    assert "127.0.0.1" not in told


def test_a_redacted_span_keeps_its_place_time_and_outcome(exporter, provider):
    tracer = provider.get_tracer("t")
    with pytest.raises(ValueError, match="canary"), tracer.start_as_current_span("work", attributes={"rows": 7}):
        raise ValueError(CANARY)
    [span] = exporter.get_finished_spans()
    assert (span.name, dict(span.attributes or {})) == ("work", {"rows": 7})
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert (span.end_time or 0) >= (span.start_time or 0) > 0
    assert span.events[0].attributes["exception.type"] == "ValueError"
    assert "canary" not in everything(exporter)
