"""What refers to what stays sound whoever writes at the same time: no cycle, and nobody refers to what is gone."""

import asyncio

SEGMENTS = "/v1/segment/segments"


async def test_two_calls_at_once_make_no_cycle(stage):
    client = stage.app.client
    for _ in range(6):
        one, other = await stage.segment({"did": "a"}, name="a"), await stage.segment({"did": "b"}, name="b")
        answers = await asyncio.gather(
            client.patch(f"{SEGMENTS}/{one}", json={"definition": {"in_segment": other}}),
            client.patch(f"{SEGMENTS}/{other}", json={"definition": {"in_segment": one}}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        refused = next(answer for answer in answers if answer.status_code == 422)
        assert refused.json()["errors"][0] == {
            "pointer": "/definition", "detail": "the segment would depend on itself", "code": "invalid"
        }  # fmt: skip
    await stage.app.drain()


def referring(path: str, gone: str) -> tuple[str, dict[str, object]]:
    """Return a call that makes a segment refer to another one."""
    definition = {"in_segment": gone}
    if path == "/grid":
        values = [{"key": "a", "name": "a", "definition": definition}]
        return "POST", {"name": "{x}", "state": "live", "axes": [{"name": "x", "values": values}]}
    return ("POST", {"name": "y", "state": "live", "definition": definition}) if not path else (
        "PATCH", {"definition": definition}
    )  # fmt: skip


async def test_what_is_deleted_is_referred_to_by_nobody_who_writes_at_the_same_time(stage):
    client = stage.app.client
    kept = await stage.segment({"did": "kept"})
    for turn, path in enumerate(("", "/grid", f"/{kept}") * 3):
        gone = await stage.segment({"did": "a"}, name="x")
        method, body = referring(path, gone)
        calls = [client.delete(f"{SEGMENTS}/{gone}"), client.request(method, SEGMENTS + path, json=body)]
        if turn % 2:
            calls.reverse()
        codes = sorted(answer.status_code for answer in await asyncio.gather(*calls))
        assert codes in ([204, 422], [200, 409], [201, 409]), (path, codes)
        await client.patch(f"{SEGMENTS}/{kept}", json={"definition": {"did": "kept"}})
    await stage.app.drain()


async def test_a_definition_is_published_as_it_was_checked(stage):
    """Publishing checks what is there; what another call wrote meanwhile goes live only when it was checked too."""
    client = stage.app.client
    for _ in range(6):
        draft = await stage.segment({"did": "a"}, state="draft")
        published, edited = await asyncio.gather(
            client.patch(f"{SEGMENTS}/{draft}", json={"state": "live"}),
            client.patch(f"{SEGMENTS}/{draft}", json={"definition": {"all": []}}),
        )
        assert {published.status_code, edited.status_code} <= {200, 409, 422}
        shown = (await client.get(f"{SEGMENTS}/{draft}")).json()
        assert (shown["state"], shown["definition"]) != ("live", {"all": []}), (published.text, edited.text)
    await stage.app.drain()


async def test_a_rename_alone_proves_nothing_again(stage):
    client = stage.app.client
    segment = await stage.segment({"trait": "age", "op": "starts_with", "value": "1"})
    await stage.declare("age", "number")
    url = f"{SEGMENTS}/{segment}"
    shown = (await client.get(url)).json()
    for body in ({"name": "renamed"}, {"name": "again", "state": "live", "definition": shown["definition"]}):
        answer = await client.patch(url, json=body)
        assert (answer.status_code, answer.json()["name"], answer.json()["version"]) == (200, body["name"], 1)
        assert [one["pointer"] for one in answer.json()["warnings"]] == ["/definition/op"], "it is said all the same"
    other = await client.patch(url, json={"definition": {"trait": "age", "op": "starts_with", "value": "2"}})
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/definition/op")
