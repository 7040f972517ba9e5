"""The envelope every event on the bus shares."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from libs.common.ids import new_id


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact one service tells the others.

    `id` is the key every receiver de-duplicates by; it survives replay. `received_at` is the greatest arrival time
    behind the fact (the watermark), `occurred_at` the time it is about. `person_no` is 0 where no person is concerned.
    """

    subject: ClassVar[str]
    heard_by: ClassVar[tuple[str, ...]] = ()
    """the services that follow it: the log keeps an event until each of them has applied it"""
    kept: ClassVar[bool] = False
    """Whether its owner keeps each event as it was said, because no other fact it owns could tell it again."""

    workspace_id: int
    received_at: datetime
    occurred_at: datetime
    person_no: int = 0
    id: UUID = msgspec.field(default_factory=new_id)


def owner_of(contract: type[Event]) -> str:
    """Return the service that says events of this contract."""
    return contract.subject.split(".", 1)[0]


def consumers_of(contract: type[Event]) -> tuple[str, ...]:
    """Return the durable consumers the contract names: `<service>-on_<noun>_<participle>`, with `_v<N>` from 2 on."""
    _owner, noun, participle, version = contract.subject.split(".")
    suffix = "" if version == "v1" else f"_{version}"
    return tuple(f"{service}-on_{noun}_{participle}{suffix}" for service in contract.heard_by)
