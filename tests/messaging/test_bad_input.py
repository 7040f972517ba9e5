"""Whatever is sent, the answer is a problem in words, never a server error."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.messaging.neighbours import person_id_of
from tests.messaging.stage import TEXT, Stage

T = "/v1/messaging/templates"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("person_id", "identifier", "channels", "content", "template", "data", "key", "topic", "caps", "quiet",
          "text", "subject", "html", "defaults", "window", "channel", "address", "expires_at")  # fmt: skip
BODIES = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
WRITES = (
    ("PUT", "/v1/messaging/policies"), ("PUT", f"{T}/fuzz"), ("POST", f"{T}/fuzz/preview"),
    ("POST", "/v1/messaging/messages"), ("POST", "/v1/messaging/gate"), ("POST", "/v1/messaging/suppressions"),
    ("POST", "/v1/messaging/suppressions/remove"), ("POST", f"/v1/messaging/inbox/{person_id_of(1)}/read"),
    ("POST", "/v1/messaging/callbacks/email"),
)  # fmt: skip


async def test_no_nonsense_makes_a_server_error(idle_stage: Stage) -> None:
    client = idle_stage.client
    idle_stage.neighbours.person(1)
    await client.put(f"{T}/fuzz", json=TEXT)
    drawn: list[Any] = []

    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
    @given(BODIES)
    def draw(body: Any) -> None:
        drawn.append(body)

    draw()
    good = {"person_id": str(person_id_of(1)), "channels": ["email"], "content": TEXT}
    drawn += [
        {"text": {"en": "\0"}}, {"text": "\ud800"}, {"subject": "x" * 300_000}, {"data": {"a": "\0"}},
        {**good, "content": {"text": "a\0"}}, {**good, "data": {"a": ["\ud800"]}}, {**good, "data": {"a": 10**400}},
        {**good, "expires_at": "9999-12-31T23:59:59Z"}, {**good, "due_at": "9999-12-31T23:59:59Z"},
        {**good, "due_at": "0001-01-01T00:00:00+14:00"},
        {"zone": "\0"}, {"zone": "../x"}, {"quiet": [{"from": "25:00", "to": "x"}]}, {"caps": [{"window": {}}]},
    ]  # fmt: skip
    for body in drawn:
        for method, path in WRITES:
            content = json.dumps(body).encode()
            answer = await client.request(method, path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code < 500, (method, path, body, answer.text)
    for query in ("cursor=x", "cursor=W10", "limit=0", "person_id=1", "state=%00", "cursor=WyJcdTAwMDAiXQ", "node=%00"):
        for path in ("messages", "templates", "suppressions", "counts"):
            assert (await client.get(f"/v1/messaging/{path}?{query}")).status_code < 500, (path, query)
