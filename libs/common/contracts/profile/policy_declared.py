from typing import ClassVar

import msgspec

from libs.common.contracts.event import Event


class Declaration(msgspec.Struct, frozen=True):
    """Of a purpose on a channel (`*`: on every channel without a word of its own) silence allows contact, or not."""

    purpose: str
    channel: str
    opt_out: bool


class PolicyDeclared(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What silence means in a workspace: all its declarations; receivers keep those of the greatest `version`."""

    subject: ClassVar[str] = "profile.policy.declared.v1"
    heard_by: ClassVar[tuple[str, ...]] = ("segment",)

    version: int
    declared: tuple[Declaration, ...] = ()
