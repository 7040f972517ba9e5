"""A channel whose provider does as it is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass
class FakeProvider:
    """Takes everything unless `answer` says otherwise; remembers what it took, in order."""

    name: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    answer: Callable[[Outgoing], Outcome | None] = lambda _outgoing: None
    taken: list[Outgoing] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def validate(self, outgoing: Outgoing) -> Refused | None:
        return None

    async def send(self, batch: Sequence[Outgoing], may_begin: MayBegin) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for outgoing in batch:
            self.before()
            if not may_begin():
                outcomes.append(NotBegun("lease"))
                continue
            said = self.answer(outgoing)
            if said is None or isinstance(said, Accepted):
                self.taken.append(outgoing)
            outcomes.append(said or Accepted(outgoing.message_id))
        return outcomes

    async def poll(self, message_ids: Sequence[str]) -> dict[str, Found]:
        taken = {o.message_id for o in self.taken}
        return {name: "delivered" if name in taken else "absent" for name in message_ids}

    def parse_callback(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        return []

    async def close(self) -> None:
        return None
