"""A columnar store that was lost is made anew by replay from the owners: the same members, the same counts."""

import asyncio
from datetime import timedelta

import pytest_asyncio

from libs.common.db import statement
from libs.common.ids import new_id
from services.segment.store.columnar import Columnar
from services.segment.usecases.adopt_store import adopt_store
from tests.fixtures.apps import START, House
from tests.segment.columnar import a_columnar_store

WEEK = {"did": "Bought", "count": {"op": "gte", "n": 2}, "window": {"last": "7 days"}}
DEFINITIONS = (
    WEEK,
    {"all": [{"trait": "age", "op": "gte", "value": 30}, {"none": [{"did": "Returned"}]}]},
    {"trait": "email", "op": "ends_with", "value": "@example.com"},
    {"did": "$message_suppressed"},
    {"consented": {"purpose": "marketing", "channel": "sms"}},
    {"reachable": "email"},
    {"person": "younger_than", "span": "3 days"},
)


class Everything:
    """The five services in this process, with persons who merged, split, and were written to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.segments: list[str] = []

    async def settle(self) -> None:
        """Wait until nothing is open anywhere, twice around."""
        for _ in range(2):
            for name in ("identity", "profile", "journey", "messaging", "segment"):
                await self.house.services[name].drain()

    async def call(self, method: str, service: str, path: str, body=None, **options):
        answer = await self.house.services[service].client.request(method, path, json=body, **options)
        assert answer.status_code < 400, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def send(self, *calls) -> None:
        batch = [{"messageId": str(new_id()), "timestamp": START.isoformat(), **one} for one in calls]
        key = self.house.write_key
        await self.call("POST", "identity", "/v1/batch", {"batch": batch}, auth=(key, ""), headers={})
        await self.settle()

    async def picture(self):
        """Return counts per day and, per segment, members with what explains them."""
        counts = await self.call("GET", "segment", "/v1/segment/columnar/counts")
        members = []
        for segment in self.segments:
            page = await self.call("GET", "segment", f"/v1/segment/segments/{segment}/members")
            members.append([item["person_no"] for item in page["items"]])
        previews = [
            (await self.call("POST", "segment", "/v1/segment/preview", {"definition": body}))["count"]
            for body in DEFINITIONS
        ]
        return counts, members, previews

    async def told(self) -> int:
        """Return how many membership changes were ever told."""
        async with self.house.services["segment"].runtime.worker_database.transaction(1) as tx:
            counted = statement("select coalesce(sum(sequence), 0) from segment.membership_sequence")
            return int(await tx.fetch_value(counted))

    async def rebuild(self):
        asked = await self.call("POST", "segment", "/v1/segment/columnar/rebuild")
        await self.settle()
        done = await self.call("GET", "segment", "/v1/segment/columnar/rebuild")
        assert done["rebuild_id"] == asked["rebuild_id"] and done["state"] == "finished", done
        return {replay["consumer"]: replay for replay in done["replays"]}


def track(user: str, event: str, **more):
    return {"type": "track", "userId": user, "event": event, **more}


@pytest_asyncio.fixture
async def everything(house: House) -> Everything:
    await house.start_all()
    made = Everything(house)
    for body in DEFINITIONS:
        answer = await made.call(
            "POST", "segment", "/v1/segment/segments", {"name": "s", "definition": body, "state": "live"}
        )
        made.segments.append(answer["segment_id"])
    calls = []
    for number in range(12):
        user = f"u{number}"
        traits = {"age": 20 + 3 * number, "email": f"{user}@example.{'com' if number % 2 else 'org'}"}
        calls.append({"type": "identify", "userId": user, "anonymousId": f"a{number}", "traits": traits})
        calls += [track(user, "Bought", properties={"price": 1.5 * n}) for n in range(number % 4)]
    calls.append({"type": "track", "anonymousId": "stranger", "event": "Bought"})
    calls.append(track("u9", "Returned"))
    await made.send(*calls)
    said = {"purpose": "marketing", "state": "granted"}
    said["identifier"] = {"namespace": "user_id", "value": "u5"}
    await made.call("POST", "profile", "/v1/profile/consents", said)
    # two persons turn out to be one: their events lie under two numbers from now on
    await made.send({"type": "alias", "userId": "u2", "previousId": "u1"})
    path = "/v1/identity/persons/by-identifier?namespace=user_id&scope=main&value=u3"
    person = await made.call("GET", "identity", path)
    body = {"person_id": person["person_id"], "channels": ["email"], "content": {"text": "hello"}}
    await made.call("POST", "messaging", "/v1/messaging/messages", body)
    await made.settle()
    return made


async def test_a_wiped_store_is_rebuilt_with_nothing_lost_or_doubled(everything):
    await a_wiped_store_comes_back(everything)
    await a_timeline_comes_back(everything)
    await what_comes_meanwhile_counts_once(everything)
    await members_stay_until_the_store_is_whole(everything)


async def a_wiped_store_comes_back(everything):
    before = await everything.picture()
    assert all(before[1]) and before[2][3] == 1, before
    told = await everything.told()
    columnar: Columnar = everything.house.services["segment"].runtime.parts.columnar
    await columnar.wipe(1)
    assert (await columnar.rows("select count() as n from event", {}))[0]["n"] == 0

    replays = await everything.rebuild()
    assert await everything.picture() == before
    assert await everything.told() == told, "nobody entered or left because of it"
    assert all(replay["set_aside"] == 0 and replay["finished_at"] for replay in replays.values()), replays
    recorded = replays["on_event_recorded"]
    assert (
        recorded["told"]
        == recorded["applied"]
        == sum(day["events"] for day in before[0] if day["origin"] == "collected")
    )


async def a_timeline_comes_back(everything):
    """Another read model, alone: profile's timeline of what happened to identifiers and of messages."""
    profile = everything.house.services["profile"]
    before = await everything.call("GET", "profile", "/v1/profile/counts")
    async with profile.runtime.worker_database.transaction(1) as tx:
        assert await tx.execute(statement("delete from timeline where workspace_id = 1")) > 12
    consumers = ["on_event_recorded", "on_message_progressed", "on_run_progressed", "on_ownership_changed"]
    await everything.call("POST", "profile", "/v1/profile/replays", {"consumers": consumers})
    await everything.settle()
    assert await everything.call("GET", "profile", "/v1/profile/counts") == before
    refused = await everything.house.services["segment"].client.post(
        "/v1/segment/replays", json={"consumers": ["on_event_recorded"]}
    )
    assert refused.status_code == 404, "its events would be there twice; it is rebuilt as a whole"


async def what_comes_meanwhile_counts_once(everything):
    services = everything.house.services
    before = await everything.picture()
    segment = services["segment"]
    await everything.call("POST", "segment", "/v1/segment/columnar/rebuild")
    # the same moment: events recorded before, while and after their owner tells everything again
    for number in range(4):
        batch = [
            {**track("u0", "Bought"), "messageId": f"meanwhile-{number}-{n}", "timestamp": START.isoformat()}
            for n in range(3)
        ]
        await everything.call("POST", "identity", "/v1/batch", {"batch": batch}, auth=(everything.house.write_key, ""))
    asked = {"definition": WEEK}
    answer = await segment.client.post("/v1/segment/preview", json=asked)
    assert answer.status_code in {200, 503}, "whole or not at all"
    await everything.settle()
    counts, members, _ = await everything.picture()

    def collected(rows):
        return sum(row["events"] for row in rows if row["origin"] == "collected")

    assert collected(counts) == collected(before[0]) + 12
    assert all(row["events"] == row["distinct_events"] for row in counts)
    explained = await everything.call(
        "POST", "segment", "/v1/segment/preview", {"definition": {"did": "Bought", "count": {"op": "equals", "n": 12}}}
    )
    assert explained["count"] == 1
    assert len(members[0]) == len(before[1][0]) + 1


async def members_stay_until_the_store_is_whole(everything):
    """The owner is away: the rebuild waits, and time that passes empties nothing."""
    segment = everything.house.services["segment"]
    before = await everything.picture()
    away = everything.house.transports.pop("identity")
    runtime = segment.runtime
    runtime.peers._clients.pop("identity", None)
    await everything.call("POST", "segment", "/v1/segment/columnar/rebuild")
    async with runtime.worker_database.transaction(1) as tx:
        wiped = statement("select is_wiped from segment.rebuild where finished_at is null")
        for _ in range(2000):
            if await tx.fetch_value(wiped):
                break
            await asyncio.sleep(0.01)
    await segment.put_clock(START + timedelta(days=30), held=False)
    answer = await segment.client.post("/v1/segment/preview", json={"definition": WEEK})
    assert answer.status_code == 503
    page = await everything.call("GET", "segment", f"/v1/segment/segments/{everything.segments[0]}/members")
    assert [item["person_no"] for item in page["items"]] == before[1][0]
    everything.house.transports["identity"] = away
    runtime.peers._clients.pop("identity", None)
    runtime.wake("apply_replays")
    await everything.settle()
    after = await everything.picture()
    assert after[0] == before[0]
    assert after[1][0] == [], "the week is over, which is known only now"


async def test_a_store_that_is_another_one_is_rebuilt_and_never_believed(database_of, tmp_path):
    database = (await database_of("segment")).worker
    async with database.transaction(()) as tx:
        await tx.execute(
            statement("insert into segment.workspace (workspace_id, key, name) values (1, 'a', 'A'), (2, 'b', 'B')")
        )
    open_ones = statement("select workspace_id from segment.rebuild where finished_at is null order by 1")
    async with a_columnar_store(tmp_path / "first") as first:
        assert not await adopt_store(database, first), "the first start of all"
        assert not await adopt_store(database, first)
    async with database.transaction(()) as tx:
        assert await tx.fetch(open_ones) == []
    async with a_columnar_store(tmp_path / "second") as second:
        assert await adopt_store(database, second)
    async with database.transaction(()) as tx:
        assert [row["workspace_id"] for row in await tx.fetch(open_ones)] == [1, 2]
