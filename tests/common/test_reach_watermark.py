"""A decision waits for the services it depends on, in the order in which events travel."""

from datetime import timedelta
from types import SimpleNamespace

from libs.common.watermark import reach_watermark
from tests.common.sample.contracts import NOON


class Peers:
    """The first service is done at its third look; until then what it says has not reached the second one."""

    def __init__(self):
        self.asked = []

    async def get(self, service, path, workspace_id, answer):
        self.asked.append(service)
        done = service == "profile" or self.asked.count("identity") > 2
        return answer(watermark=NOON if done else NOON - timedelta(seconds=1))


async def test_a_service_is_asked_once_those_before_it_are_done():
    peers = Peers()
    runtime = SimpleNamespace(service="journey", peers=peers, is_driven=lambda workspace_id: False)
    assert await reach_watermark(runtime, 1, NOON, ("identity", "profile", "journey"))
    assert peers.asked == ["identity", "identity", "identity", "profile"]
