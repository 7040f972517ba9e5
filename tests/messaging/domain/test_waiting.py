"""Who waits is remembered, and not for ever."""

from libs.common.ids import new_id
from services.messaging.clients.parts import Waiting


def test_waiting_begins_once_and_ends() -> None:
    waiting, intent = Waiting(), new_id()
    assert [waiting.since(intent, 1.0), waiting.since(intent, 3.0)] == [1.0, 1.0]
    waiting.end(intent)
    waiting.end(intent)
    assert waiting.since(intent, 5.0) == 5.0


def test_what_another_process_decided_does_not_stay_for_ever() -> None:
    waiting = Waiting(keep_seconds=10.0)
    for second in range(1000):
        waiting.since(new_id(), float(second))
    assert len(waiting) <= 10
