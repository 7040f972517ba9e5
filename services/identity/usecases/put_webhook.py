"""Let another system call for a source."""

from datetime import datetime

from libs.common.access.model import Source
from libs.common.db import Tx
from libs.common.errors import FieldError, Invalid
from libs.common.personal import Sealer
from services.identity.domain.webhook import WebhookKind, WebhookSettings
from services.identity.store import webhooks


async def put_webhook(
    tx: Tx, source: Source, kind: WebhookKind, settings: WebhookSettings, *, sealer: Sealer, now: datetime
) -> None:
    """Keep the settings sealed; raises Invalid naming each that does not fit.

    Only a trusted source may have a webhook: what its system says counts as authenticated, and a key that anybody can
    read from a page must not say the same.
    """
    if not source.trusted:
        raise Invalid.at("/source_id", "a webhook needs a source that is `trusted`", "not_trusted")
    wrong = [FieldError(pointer=f"/{name}", detail=detail) for name, detail in kind.unfit(settings)]
    if wrong:
        raise Invalid("the settings do not fit this kind of webhook", errors=wrong)
    await webhooks.put(tx, source.workspace_id, source.source_id, settings, sealer, now)
