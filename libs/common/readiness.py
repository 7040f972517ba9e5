"""Readiness: each dependency proven, and what is missing said in one line."""

from typing import Any

from libs.common.access.directory import SECRET_KEY_GRACE_SECONDS, WRITE_KEY_GRACE_SECONDS
from libs.common.db.migrate import is_at_head
from libs.common.runtime import Runtime


async def readiness(runtime: Runtime[Any]) -> dict[str, Any]:
    """Return {"status": "ready" | "not ready", "checks": {...}}: database, migrations, bus by a PubAck, keys."""
    checks: dict[str, str] = {}
    try:
        async with runtime.database.transaction(()) as tx:
            at_head = await is_at_head(tx.connection, runtime.service)
        checks["database"] = "ok"
        checks["migrations"] = "ok" if at_head else "behind: run `python -m libs.common.db.migrate`"
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the database, the answer is "not ready"
        checks["database"] = f"away: {type(error).__name__}"
    try:
        await runtime.bus.ready()
        checks["bus"] = "ok"
        runtime.directory.heard()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the bus, the answer is "not ready"
        checks["bus"] = f"away: {type(error).__name__}: {error}"
    silent = runtime.directory.silent_seconds
    if silent > SECRET_KEY_GRACE_SECONDS:
        checks["keys"] = (
            f"nothing heard for {silent:.0f} s: secret keys refused, "
            f"write keys {'refused' if silent > WRITE_KEY_GRACE_SECONDS else 'still accepted'}"
        )
    else:
        checks["keys"] = "ok"
    ready = all(value == "ok" for value in checks.values())
    return {"status": "ready" if ready else "not ready", "checks": checks}
