"""A stored model compares everybody once, and then whoever changes, by itself; it merges nobody."""

import base64
from datetime import timedelta
from typing import Any

import msgspec

from libs.common.db import statement
from services.identity.domain.matching.blocking import blocks_of, candidate_pairs
from services.identity.jobs import score_changed
from services.identity.usecases import choose_changed
from tests.fixtures.apps import House, ServiceApp
from tests.identity.collection.test_match_scores import MODEL

BORN = "1990-05-06"


class Two:
    """identity and profile, and people who tell them their names."""

    def __init__(self, house: House, identity: ServiceApp, profile: ServiceApp) -> None:
        self.house, self.identity, self.profile, self.sent = house, identity, profile, 0

    @classmethod
    async def start(cls, house: House) -> "Two":
        profile = await house.start("profile")  # who is asked is there before who asks
        return cls(house, await house.start("identity"), profile)

    async def tell(self, **people: dict[str, Any]) -> None:
        """Identify people by user id with their traits."""
        calls = []
        for user, traits in people.items():
            self.sent += 1
            calls.append({"type": "identify", "userId": user, "messageId": f"m-{self.sent}", "traits": traits})
        token = base64.b64encode(f"{self.house.write_key}:".encode()).decode()
        answer = await self.identity.client.post(
            "/v1/batch", json={"batch": calls}, headers={"authorization": f"Basic {token}"}
        )
        assert answer.status_code == 200, answer.text
        await self.drain()

    async def drain(self) -> None:
        for service in (self.identity, self.profile, self.identity, self.profile):
            await service.drain()

    async def put(self, **changed: Any) -> None:
        body = msgspec.to_builtins(msgspec.structs.replace(MODEL, **changed))
        answer = await self.identity.client.put("/v1/identity/match-model", json=body)
        assert answer.status_code == 200, answer.text
        await self.drain()

    async def later(self, minutes: int) -> None:
        """Let time pass for both, the one that answers first."""
        now = self.identity.runtime.now(1) + timedelta(minutes=minutes)
        for service in (self.profile, self.identity):
            await service.advance_to(now)
        await self.drain()

    async def progress(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.identity.client.get("/v1/identity/match-model")).json()
        return found

    async def suggested(self) -> list[set[str]]:
        items = (await self.identity.client.get("/v1/identity/suggestions?origin=score")).json()["items"]
        people = {}
        for item in items:
            for side in ("a", "b"):
                answer = await self.identity.client.get(f"/v1/identity/persons/{item[side]['person_id']}")
                people[item[side]["person_id"]] = {
                    one["value"] for one in answer.json()["identifiers"] if one["namespace"] == "user_id"
                }
        return [people[item["a"]["person_id"]] | people[item["b"]["person_id"]] for item in items]

    async def rows(self, sql: str) -> list[Any]:
        async with self.identity.database.worker.transaction(1) as tx:
            return list(await tx.fetch(statement(sql)))


async def test_everybody_is_compared_once_and_then_whoever_changes(house: House) -> None:
    two = await Two.start(house)
    await two.tell(anna={"name": "张伟", "born": BORN}, bob={"name": "章伟", "born": BORN}, carl={"name": "李娜"})
    assert (await two.identity.client.get("/v1/identity/match-model")).status_code == 404
    assert await two.rows("select 1 from match_block") == []
    await two.put()
    assert await two.suggested() == [{"anna", "bob"}]
    first = await two.progress()
    assert (first["version"], first["stage"], first["persons"], first["suggested"]) == (1, "whoever changes", 3, 1)
    await two.later(30)
    await two.tell(dora={"name": "李娜", "born": "1980-02-03"}, carl={"born": "1980-02-03"})
    assert await two.suggested() == [{"anna", "bob"}]
    await two.later(60)
    assert sorted(map(sorted, await two.suggested())) == [["anna", "bob"], ["carl", "dora"]]
    then = await two.progress()
    assert then["persons"] >= first["persons"] + 2
    await two.later(180)
    assert (await two.progress())["persons"] == then["persons"]
    assert len(await two.rows("select 1 from person where state = 'active'")) == 4


async def test_a_refused_pair_is_not_suggested_when_it_changes_or_a_model_is_put_again(house: House) -> None:
    two = await Two.start(house)
    await two.tell(anna={"name": "张伟", "born": BORN}, bob={"name": "章伟", "born": BORN})
    await two.put()
    [item] = (await two.identity.client.get("/v1/identity/suggestions")).json()["items"]
    path = f"/v1/identity/suggestions/{item['suggestion_id']}/refuse"
    assert (await two.identity.client.post(path, json={})).status_code == 200
    await two.tell(anna={"name": "张伟", "email": "a@mail.example"}, bob={"email": "a@mail.example"})
    await two.put()
    await two.later(120)
    assert await two.suggested() == []


async def test_the_models_own_threshold_counts(house: House) -> None:
    two = await Two.start(house)
    await two.tell(anna={"name": "张伟", "born": BORN}, bob={"name": "章伟", "born": BORN})
    await two.put(threshold=50.0)
    assert await two.suggested() == []
    assert (await two.progress())["compared"] > 0
    await two.put(threshold=4.0)
    assert (await two.progress())["version"] == 2
    assert await two.suggested() == [{"anna", "bob"}]


async def test_in_small_rounds_the_same_is_found(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(choose_changed, "PERSONS", 2)
    monkeypatch.setattr(choose_changed, "EVENTS", 3)
    two = await Two.start(house)
    people = {f"u{one}": {"name": f"name {one // 2}", "born": f"1990-05-{one // 2 + 2:02}"} for one in range(8)}
    await two.put()
    await two.tell(**people)
    await two.later(120)
    found = {frozenset(pair) for pair in await two.suggested()}
    assert found == {frozenset({f"u{number}", f"u{number + 1}"}) for number in range(0, 8, 2)}


async def test_who_is_erased_leaves_nothing_to_agree_in(house: House) -> None:
    two = await Two.start(house)
    await two.tell(anna={"name": "张伟", "born": BORN}, bob={"name": "章伟", "born": BORN})
    await two.put()
    assert len(await two.rows("select distinct person_no from match_block")) == 2
    [item] = (await two.identity.client.get("/v1/identity/suggestions")).json()["items"]
    answer = await two.identity.client.post(f"/v1/identity/persons/{item['a']['person_id']}/erase", json={})
    assert answer.status_code in {200, 202}, answer.text
    assert len(await two.rows("select distinct person_no from match_block")) == 1
    assert await two.suggested() == []


async def test_without_a_model_a_round_asks_one_statement_and_finds_nothing(house: House, monkeypatch: Any) -> None:
    identity = await house.start("identity")
    asked: list[str] = []
    monkeypatch.setattr(score_changed, "watermark_of", lambda *_args: asked.append("profile"))
    assert await score_changed.run(identity.runtime) == 0
    assert asked == []
    assert await score_changed.next_due(identity.runtime, 1) is None


async def test_while_profile_does_not_answer_the_look_stays_due(house: House) -> None:
    identity = await house.start("identity")
    body = msgspec.to_builtins(MODEL)
    assert (await identity.client.put("/v1/identity/match-model", json=body)).status_code == 200
    assert await score_changed.run(identity.runtime) == 0
    assert await score_changed.open_looks(identity.runtime, 1) == 1
    told = (await identity.client.get("/v1/identity/match-model")).json()
    assert (told["stage"], told["looked_at"], told["persons"]) == ("everybody", None, 0)


def test_records_agree_in_a_block_if_and_only_if_they_are_a_candidate_pair() -> None:
    values = ["x", "y", None]
    records = {str(n): {"p": values[n % 3], "q": values[n // 3 % 3]} for n in range(9)}
    records |= {f"{name}-again": dict(record) for name, record in records.items()}
    blocking = (("p",), ("p", "q"))
    blocks = {name: set(blocks_of(record, blocking)) for name, record in records.items()}
    agreeing = {(a, b) for a in records for b in records if a < b and blocks[a] & blocks[b]}
    assert agreeing == set(candidate_pairs(records, blocking))
