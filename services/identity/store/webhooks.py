"""What sources declared about the systems that call for them, sealed."""

from datetime import datetime

import msgspec

from libs.common.db import Tx, statement
from libs.common.personal import Sealer
from services.identity.domain.webhook import WebhookSettings

_PUT = statement(
    "insert into source_webhook (workspace_id, source_id, kind, sealed, changed_at)"
    " values (:workspace_id, :source_id, :kind, :sealed, :now)"
    " on conflict (workspace_id, source_id) do update set"
    " kind = excluded.kind, sealed = excluded.sealed, changed_at = excluded.changed_at"
)
_READ = statement("select sealed from source_webhook where workspace_id = :workspace_id and source_id = :source_id")
_REMOVE = statement("delete from source_webhook where workspace_id = :workspace_id and source_id = :source_id")


async def put(
    tx: Tx, workspace_id: int, source_id: int, settings: WebhookSettings, sealer: Sealer, now: datetime
) -> None:
    """Save the settings of a source's webhook in place of those before."""
    await tx.execute(
        _PUT,
        workspace_id=workspace_id,
        source_id=source_id,
        kind=settings.kind,
        sealed=sealer.seal(msgspec.json.encode(settings)),
        now=now,
    )


async def read(tx: Tx, workspace_id: int, source_id: int, sealer: Sealer) -> WebhookSettings | None:
    """Return the settings of a source's webhook, if it has one."""
    sealed = await tx.fetch_value(_READ, workspace_id=workspace_id, source_id=source_id)
    return msgspec.json.decode(sealer.open(sealed), type=WebhookSettings) if sealed is not None else None


async def remove(tx: Tx, workspace_id: int, source_id: int) -> bool:
    """Forget a source's webhook; tell whether there was one."""
    return bool(await tx.execute(_REMOVE, workspace_id=workspace_id, source_id=source_id))
