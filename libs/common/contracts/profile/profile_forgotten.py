from typing import ClassVar

from libs.common.contracts.forgotten import Forgotten


class ProfileForgotten(Forgotten, frozen=True, kw_only=True, omit_defaults=True):
    """Profile holds nothing of an erased person any more: its receipt."""

    subject: ClassVar[str] = "profile.profile.forgotten.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("identity",)
