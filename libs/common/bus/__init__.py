"""The one door to the bus: publishing windows, durable subscriptions, dead letters, buckets."""

from libs.common.bus.loop import SubscriptionLoop
from libs.common.bus.memory_bus import MemoryBus
from libs.common.bus.nats_bus import NatsBus
from libs.common.bus.port import Bus, BusUnavailable, KeyValue
from libs.common.bus.subscription import Drop, Subscription, TryLater

__all__ = [
    "Bus",
    "BusUnavailable",
    "Drop",
    "KeyValue",
    "MemoryBus",
    "NatsBus",
    "Subscription",
    "SubscriptionLoop",
    "TryLater",
]
