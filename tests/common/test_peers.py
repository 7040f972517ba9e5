"""Questions to the other services."""

import httpx

from libs.common.http.peers import Peers
from libs.common.settings import ServiceSettings
from tests.fixtures.apps import MASTER_KEY, SERVICE_SECRET


async def test_who_moves_in_later_is_asked_also_where_nobody_lived_before() -> None:
    neighbours: dict[str, httpx.AsyncBaseTransport] = {}
    peers = Peers("journey", ServiceSettings(master_key=MASTER_KEY, service_secret=SERVICE_SECRET), neighbours)
    neighbours["profile"] = httpx.MockTransport(lambda request: httpx.Response(200, json={"asked": request.url.path}))
    assert await peers.get("profile", "/v1/profile/x", 1, dict[str, str]) == {"asked": "/v1/profile/x"}
