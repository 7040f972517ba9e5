from typing import ClassVar

from libs.common.contracts.forgotten import Forgotten


class MembershipForgotten(Forgotten, frozen=True, kw_only=True, omit_defaults=True):
    """Segment holds nothing of an erased person any more: its receipt."""

    subject: ClassVar[str] = "segment.membership.forgotten.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("identity",)
