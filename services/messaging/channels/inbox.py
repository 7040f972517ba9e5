"""The in-app inbox: our own store, so nothing limits it from outside and nothing of it is ever unknown."""

from collections.abc import Mapping, Sequence

from libs.common.errors import Invalid
from services.messaging.channels import ChannelContext, ChannelDriver
from services.messaging.domain.channel import (
    Accepted,
    Capabilities,
    Found,
    MayBegin,
    NotBegun,
    Outcome,
    Outgoing,
    Receipt,
    Refused,
)
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.store.inbox_messages import InboxRow, add_inbox_messages

_SHOWN = ("subject", "text", "url", "action")


class Inbox:
    """Writes messages where the app pulls them."""

    name = "inbox"
    capabilities = Capabilities(
        batch_size=500, needs_address=False, implied_consent=True, idempotent=True, delivers_at_once=True
    )

    def __init__(self, context: ChannelContext) -> None:
        self._context = context

    def validate(self, outgoing: Outgoing) -> Refused | None:
        """Refuse an empty message."""
        if not outgoing.content.get("subject") and not outgoing.content.get("text"):
            return Refused(CanonicalError.CONTENT, "neither a title nor a text")
        return None

    async def send(self, batch: Sequence[Outgoing], may_begin: MayBegin) -> list[Outcome]:
        """Put the batch into the inboxes in one transaction."""
        if not may_begin():
            return [NotBegun("the consent answer is too old")] * len(batch)
        rows = [
            InboxRow(
                workspace_id=o.workspace_id,
                intent_id=o.intent_id,
                person_no=o.person_no,
                content_sealed=self._context.sealer(o.workspace_id).seal_json(
                    {name: o.content[name] for name in _SHOWN if o.content.get(name)}
                ),
                created_at=o.at,
                expires_at=o.expires_at,
            )
            for o in batch
        ]
        async with self._context.database.transaction(sorted({o.workspace_id for o in batch})) as tx:
            await add_inbox_messages(tx, rows)
        return [Accepted(o.message_id) for o in batch]

    async def poll(self, message_ids: Sequence[str]) -> dict[str, Found]:
        """Answer nothing: sending again is harmless here, so nobody has to ask."""
        return dict.fromkeys(message_ids, "unknown")

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """Refuse: the inbox has no provider that could report."""
        del headers, body
        raise Invalid("the inbox takes no callbacks")

    async def close(self) -> None:
        """Nothing is held open."""


async def _open(context: ChannelContext) -> Inbox:
    return Inbox(context)


driver = ChannelDriver(name="inbox", open=_open)
