"""ClickHouse over HTTP: chDB behind a small ASGI application. `python -m tests.fakes.clickhouse_server PATH PORT`.

What a ClickHouse client sends is answered by the same engine: queries with `{p:Type}` parameters, settings, inserts.
It has one user, no password, and one thread.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import chdb
import uvicorn

from services.segment.store.columnar import _write_config
from tests.segment.columnar import MASTER_KEY

OF_TRANSPORT = {
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id", "quota_key",
    "compress", "decompress", "wait_end_of_query", "client_protocol_version", "role", "buffer_size",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms", "enable_http_compression", "user", "password",
}  # fmt: skip
INSERT = re.compile(r"\s*insert\s+into\s+(?P<target>.+?)\s+format\s+(?P<form>\w+)\s*\Z", re.IGNORECASE | re.DOTALL)
FORMAT = re.compile(r"\bformat\s+(\w+)\s*;?\s*\Z", re.IGNORECASE)


class Engine:
    """One connection to the embedded engine."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.connection = chdb.connect(f"{path}?config-file={_write_config(path, MASTER_KEY)}")

    def answer(self, query: str, data: bytes, parameters: dict[str, str], settings: dict[str, str]) -> bytes:
        """Run a query, or an insert with its data."""
        clause = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        into = INSERT.match(query)
        if into is not None:
            with tempfile.NamedTemporaryFile() as file:
                file.write(data)
                file.flush()
                given = f" settings {clause}" if clause else ""
                sql = f"insert into {into['target']} from infile '{file.name}'{given} format {into['form']}"
                return self._run(sql, {})
        sql = query + data.decode()
        if clause:
            self._run(f"set {clause}", {})
        return self._run(sql, parameters)

    def _run(self, sql: str, parameters: dict[str, str]) -> bytes:
        named = FORMAT.search(sql)
        answer = self.connection.query(sql, named[1] if named else "TabSeparated", params=parameters)
        return bytes(answer.bytes() or b"")


class Server:
    """The application."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request as ClickHouse does: 200 with the result, else the error's text and its code."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        asked = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        parameters = {name[6:]: value for name, value in asked.items() if name.startswith("param_")}
        settings = {n: v for n, v in asked.items() if n not in OF_TRANSPORT and not n.startswith("param_")}
        headers = [(b"content-type", b"text/plain"), (b"x-clickhouse-summary", b"{}")]
        try:
            status, answer = 200, self.engine.answer(asked.get("query", ""), body, parameters, settings)
        except Exception as error:  # noqa: BLE001 - whatever the engine says is the answer
            status, answer = 500, str(error).encode()
            code = re.search(rb"Code: (\d+)", answer)
            headers.append((b"x-clickhouse-exception-code", code[1] if code else b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    uvicorn.run(
        Server(Engine(Path(sys.argv[1]))), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", lifespan="off"
    )
