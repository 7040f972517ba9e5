"""What an explanation shows of personal traits only who may read personal data is shown."""

from libs.common.access.keys import key_hash, new_key
from libs.common.access.model import ApiKey
from tests.segment.stage import a_stage


async def test_values_of_personal_traits_are_shown_to_who_may_read_them_alone(house):
    key = new_key("secret")
    house.records.append(
        ApiKey(key_id="k9", kind="secret", hash=key_hash(key), workspace_id=1, scopes=("segments:read",))
    )
    headers = {"authorization": f"Bearer {key}"}
    stage = await a_stage(house)
    await stage.trait("kim", "email", "kim@example.com", personal=True)
    # by no name of its own, only because a source's plan says so
    await stage.trait("kim", "loyalty", "K-77", personal=True)
    await stage.trait("kim", "city", "Rome")
    conditions = [
        {"trait": "email", "op": "starts_with", "value": "k"},
        {"none": [{"trait": ["loyalty"], "op": "missing"}]},
        {"trait": "city", "op": "exists"},
        {"did": "bought"},
    ]
    exists = {"any": [{"trait": "email", "op": "exists"}, {"did": "bought"}]}
    live = await stage.segment({"any": conditions})
    for subject in ({"segment_id": live}, {"segment_id": await stage.segment(exists)}, {"definition": exists}):
        body = {**subject, "person_no": stage.person("kim")}
        open_ = await stage.app.client.post("/v1/segment/explain", json=body)
        closed = await stage.app.client.post("/v1/segment/explain", json=body, headers=headers)
        assert (open_.status_code, closed.status_code) == (200, 200)
        of_all = subject == {"segment_id": live}
        for secret in ("kim@example.com", "K-77") if of_all else ("kim@example.com",):
            assert secret in open_.text
            assert secret not in closed.text
        shown = [(one["value"], one["masked"]) for one in closed.json()["conditions"]]
        wanted = [(None, True), (None, True), ("Rome", False), ("", False)]
        assert shown == (wanted if of_all else [wanted[0], wanted[-1]])
        assert [one["holds"] for one in closed.json()["conditions"]] == [
            one["holds"] for one in open_.json()["conditions"]
        ]
