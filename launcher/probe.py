"""Asking a service over HTTP without a library: is it ready, and if not, why."""

import asyncio
import json

from launcher.ports import LOOPBACK

SECONDS = 5.0


async def get(port: int, path: str) -> tuple[int, str]:
    """Ask a loopback port for a path; gives the status (0: nobody answers) and the body."""
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode())
                answer = (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0, ""
    head, _, body = answer.partition("\r\n\r\n")
    words = head.split()
    return (int(words[1]) if len(words) > 1 and words[1].isdigit() else 0), body


async def why_not_ready(port: int) -> str:
    """Give the checks that fail in a service's own words."""
    status, body = await get(port, "/ready")
    if status == 0:
        return "it does not answer"
    try:
        checks = json.loads(body)["checks"]
        return "; ".join(f"{name} {word}" for name, word in checks.items() if word != "ok") or "ready"
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"it answers {status}"
