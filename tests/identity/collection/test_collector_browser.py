"""What browsers need beside the calls: other origins, the pixel, the SDK's settings."""

import base64
import json

from tests.identity.collection.conftest import Door
from tests.identity.collection.test_collector import a_call


async def test_a_page_of_another_origin_may_post_and_reads_its_errors(door: Door) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = await door.http.request("OPTIONS", "/v1/t", headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    for body in (a_call(), {}):
        answer = await door.post("track", body, headers={"Origin": "https://shop.example"})
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_source_with_origins_takes_no_other(door: Door) -> None:
    _, key = await door.a_source(key="own", name="Own", origins=("https://shop.example",))
    assert (await door.post("track", a_call(), key, headers={"Origin": "https://shop.example"})).status_code == 200
    assert (await door.post("track", a_call(), key, headers={"Origin": "https://evil.example"})).status_code == 403


async def test_the_pixel_takes_a_call_from_its_address(door: Door) -> None:
    call = {**a_call(), "writeKey": door.browser_key}
    data = base64.b64encode(json.dumps(call).encode()).decode()
    for address in (
        f"/v1/pixel/track?data={data}",
        f"/v1/pixel?writeKey={door.browser_key}&event=Opened&userId=u1&messageId=p1&properties.mail=7",
    ):
        answer = await door.http.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert {row["name"] for row in await door.rows("select name from event_log")} == {"Seen", "Opened"}
    assert (await door.http.get("/v1/pixel?data=%%%")).status_code == 400
    assert (await door.http.get("/v1/pixel/shoe?writeKey=" + door.browser_key)).status_code == 404


async def test_the_browser_sdk_gets_its_settings(door: Door) -> None:
    answer = await door.http.get(f"/v1/projects/{door.browser_key}/settings")
    integration = answer.json()["integrations"]["Segment.io"]
    assert (integration["apiKey"], integration["apiHost"]) == (door.browser_key, "identity/v1")
    assert (await door.http.get("/v1/projects/cdp_wk_none/settings")).status_code == 404
