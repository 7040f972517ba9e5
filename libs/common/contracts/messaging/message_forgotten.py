from typing import ClassVar

from libs.common.contracts.forgotten import Forgotten


class MessageForgotten(Forgotten, frozen=True, kw_only=True, omit_defaults=True):
    """Messaging holds nothing of an erased person any more: its receipt."""

    subject: ClassVar[str] = "messaging.message.forgotten.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("identity",)
