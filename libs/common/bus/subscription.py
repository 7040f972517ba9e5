"""What a subscriber's file says: a contract, a handler, and how it may answer."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from libs.common.contracts.event import Event, owner_of
from libs.common.db import Tx

if TYPE_CHECKING:
    from libs.common.runtime import Runtime

E = TypeVar("E", bound=Event)


class TryLater(Exception):
    """These events (all of the batch when none are named) cannot be handled yet; the others go on."""

    def __init__(self, seconds: float, *, events: Collection[UUID] = (), reason: str = "") -> None:
        super().__init__(reason or f"again in {seconds} s")
        self.seconds = seconds
        self.events = frozenset(events)


class Drop(Exception):
    """The event (or those named) means nothing here: it is counted and forgotten, not a dead letter."""

    def __init__(self, reason: str, *, events: Collection[UUID] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.events = frozenset(events)


@dataclass(frozen=True)
class Subscription(Generic[E]):
    """`handle(tx, events, runtime)` gets events not handled before, in one transaction over their workspaces.

    It may raise TryLater or Drop; after any other exception the batch is bisected in savepoints and the offending
    event becomes a dead letter. `name` is the file's name; the durable consumer is `<service>-<name>`.
    `again` takes what the owner tells again while what this subscription feeds is rebuilt; None: it cannot be so. Where
    that is sound only as a part of a greater rebuild, `again_within` names it.
    """

    contract: type[E]
    handle: Callable[[Tx, list[E], "Runtime[Any]"], Awaitable[None]]
    name: str
    again: Callable[[Tx, list[E], "Runtime[Any]"], Awaitable[None]] | None = None
    again_within: str = ""
    batch_events: int = 1000
    ack_wait_seconds: float = 60.0

    @property
    def owner(self) -> str:
        """Return the service whose stream carries the contract."""
        return owner_of(self.contract)
