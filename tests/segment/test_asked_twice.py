"""The same request twice, under one Idempotency-Key, makes one thing and is answered alike."""

import pytest

EXACT = '{"name": "x", "definition": {"trait": "t", "op": "gt", "value": 0.1234567890123456789}}'
GRID = (
    '{"name": "{a}", "axes": [{"name": "a", "values": [{"key": "one", "name": "One", "definition": {"did": "seen"}}]}]}'
)


@pytest.mark.parametrize(
    ("path", "body"),
    [("segments", EXACT), ("segments/{base}/snapshot", '{"name": "kept"}'), ("segments/grid", GRID)],
    ids=["a segment", "a snapshot", "a grid"],
)
async def test_one_key_makes_one_thing(stage, path, body):
    base = await stage.segment({"did": "bought"})
    await stage.event("kim", "bought")
    client, url = stage.app.client, f"/v1/segment/{path.format(base=base)}"
    headers = {"content-type": "application/json", "idempotency-key": "k1"}

    async def count():
        return len((await client.get("/v1/segment/segments")).json()["items"])

    first = await client.post(url, content=body, headers=headers)
    await stage.event("lea", "bought")
    again = await client.post(url, content=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.text == again.text
    assert "0.1234567890123456789" in again.text or path != "segments"
    assert await count() == 2
    other = await client.post(url, content=body.replace('"name": "', '"name": "another ', 1), headers=headers)
    assert other.status_code == 422, other.text
    assert other.json()["errors"][0]["pointer"] == "header/Idempotency-Key"
    assert await count() == 2
    assert (await client.post(url, content=body, headers={**headers, "idempotency-key": "k2"})).status_code == 201
    assert await count() == 3
