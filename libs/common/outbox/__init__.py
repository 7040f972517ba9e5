"""The outbox: events leave with the transaction that made them, and stay until everybody has applied them."""

from libs.common.outbox.add import add, forget_said
from libs.common.outbox.housekeeping import forget_consumer, rebuild_broker
from libs.common.outbox.relay import Relay

__all__ = ["Relay", "add", "forget_consumer", "forget_said", "rebuild_broker"]
