"""Case 30, the first half: what a batch would do to persons is told before anybody lets it."""

PEOPLE = 5


def named(namespace: str, value: str, scope: str = "") -> dict[str, str]:
    return {"namespace": namespace, "value": value, "scope": scope}


async def test_case_30_a_preview_says_what_a_batch_would_merge_and_changes_nothing(house):
    client = (await house.start("identity")).client
    fans = [named("wx_openid", f"fan{number}".ljust(28, "x"), f"app{number}") for number in range(PEOPLE)]
    members = [named("crm_id", f"member-{number}", f"shop-{number}") for number in range(PEOPLE)]
    facts = [{"kind": "login", "tier": 1, "identifiers": list(pair)} for pair in zip(fans, members, strict=True)]
    assert (await client.post("/v1/identity/evidence", json={"items": facts})).status_code == 200

    async def persons() -> list[str]:
        asked = [{"identifiers": [one]} for one in (*fans, *members)]
        return [
            item["person_id"]
            for item in (await client.post("/v1/identity/resolve", json={"items": asked})).json()["items"]
        ]

    before = await persons()
    column = named("jd_id", "the-shop-itself")
    bad = [{"kind": "import", "tier": 2, "identifiers": [member, column]} for member in members]
    bad.append({"kind": "import", "tier": 2, "identifiers": [named("phone", "138****8000"), members[0]]})
    answer = await client.post("/v1/identity/evidence/preview", json={"items": bad})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["persons_merged"], told["anchors_lost"], told["largest_person"]) == (
        PEOPLE - 1,
        PEOPLE - 1,
        2 * PEOPLE + 1,
    )
    assert [one["reason"] for one in told["invalid"]] == ["masked"]
    assert told["change"]["dry_run"] and len(told["change"]["merged"]) == PEOPLE - 1
    assert await persons() == before
    asked = {"items": [{"identifiers": [column]}]}
    assert (await client.post("/v1/identity/resolve", json=asked)).json()["items"][0]["person_id"] is None
