"""Reports of mail servers (RFC 3464): which of our messages could not be delivered, and why."""

from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import cast

from services.messaging.domain.channel import Receipt
from services.messaging.domain.message_id import intent_of
from services.messaging.domain.provider_errors import TRANSIENT, code_table


def read_bounce(body: bytes) -> list[Receipt]:
    """Return the receipts in a delivery status notification; none when it is not one, or not about our mail."""
    report = cast("EmailMessage", message_from_bytes(body, policy=policy.compat32))
    original = _original_message_id(report)
    if original is None:
        return []
    receipts = []
    for block in _status_blocks(report):
        status, action = str(block.get("Status", "")).strip(), str(block.get("Action", "")).strip().lower()
        if action in {"delivered", "relayed"}:
            receipts.append(Receipt(original, "delivered", raw=status))
        elif action == "failed" and status:
            error = code_table("smtp").canonical(status)
            # 4.x.x as final word: the relay gave up, the address is not proven bad.
            receipts.append(Receipt(original, "failed", None if error in TRANSIENT else error, status))
    return receipts


def _status_blocks(report: Message) -> list[Message]:
    blocks: list[Message] = []
    for part in report.walk():
        if part.get_content_type() == "message/delivery-status":
            payload = part.get_payload()
            blocks += [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []
    return blocks


def _original_message_id(report: Message) -> str | None:
    for part in report.walk():
        if part.get_content_type() in {"message/rfc822", "text/rfc822-headers"}:
            payload = part.get_payload()
            inner = payload[0] if isinstance(payload, list) and payload else message_from_bytes(str(payload).encode())
            found = str(inner.get("Message-ID", "")).strip() if isinstance(inner, Message) else ""
            if intent_of(found) is not None:
                return found
    return None
