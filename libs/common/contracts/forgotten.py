"""The receipt of an erasure, said by each service that deleted."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from libs.common.contracts.event import Event


class Forgotten(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A service deleted what it held of an erased person; `deleted` counts rows by table and names nobody."""

    erasure_id: UUID
    deleted: Mapping[str, int] = msgspec.field(default_factory=dict)
