from typing import ClassVar

from libs.common.contracts.forgotten import Forgotten


class RunForgotten(Forgotten, frozen=True, kw_only=True, omit_defaults=True):
    """Journey holds nothing of an erased person any more: its receipt."""

    subject: ClassVar[str] = "journey.run.forgotten.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("identity",)
