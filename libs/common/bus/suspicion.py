"""Which messages may have ended the process that had them in hand."""

from collections.abc import Collection, Iterable

from libs.common.bus import inbox
from libs.common.bus.inbox import Suspicion
from libs.common.bus.port import Delivery
from libs.common.bus.transient import is_transient
from libs.common.db import Database

REMEMBERED = 10_000


class Suspicions:
    """Tells a message that comes again because nobody answered from one that was given back.

    A message whose last delivery got no answer is counted in the database before it is handled, and forgotten when it
    is answered: a count above one means that it was in hand, counted, when a process ended.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._given_back: dict[int, int] = {}
        self._counted: set[int] = set()
        self._outlived: set[int] = set()

    async def weigh(self, consumer_no: int, deliveries: Iterable[Delivery]) -> dict[int, Suspicion]:
        """Count the messages nobody answered, in one transaction; return what is known of them by sequence."""
        unanswered = [
            delivery.sequence
            for delivery in deliveries
            if delivery.attempt > 1 and self._given_back.get(delivery.sequence) != delivery.attempt - 1
        ]
        if not unanswered:
            return {}
        async with self._database.transaction(()) as tx:
            suspicions = await inbox.suspect(tx, consumer_no, unanswered)
        self._counted |= suspicions.keys()
        self._outlived -= suspicions.keys()
        return suspicions

    def give_back(self, delivery: Delivery) -> None:
        """Remember that this delivery is answered by asking for it again."""
        self._given_back.pop(delivery.sequence, None)
        self._given_back[delivery.sequence] = delivery.attempt
        if len(self._given_back) > REMEMBERED:
            # another process may have taken it over
            del self._given_back[next(iter(self._given_back))]

    def acknowledge(self, delivery: Delivery) -> None:
        """It does not come again."""
        self._given_back.pop(delivery.sequence, None)

    async def clear(self, consumer_no: int, sequences: Collection[int]) -> None:
        """Forget the counts of messages the process has outlived; while the database is away, the next time."""
        self._outlived |= self._counted.intersection(sequences)
        if not self._outlived:
            return
        outlived = frozenset(self._outlived)
        try:
            async with self._database.transaction(()) as tx:
                await inbox.clear(tx, consumer_no, outlived)
        except Exception as error:
            if not is_transient(error):
                raise
            return
        self._counted -= outlived
        self._outlived -= outlived
