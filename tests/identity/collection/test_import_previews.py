"""Case 30: a file is tried in full before it is imported, and what the preview says is what then happens."""

import hashlib
import json
import random
from datetime import timedelta
from typing import Any

import pytest

from services.identity.domain.policy import Declared, PolicySet, Safeguards
from services.identity.jobs import run_import_previews
from services.identity.store import policies as policy_store
from services.identity.usecases.graph import judge_regions
from services.identity.usecases.graph.batch import Fact
from services.identity.usecases.graph.resolve_evidence import resolve_evidence
from tests.identity.collection.conftest import Door, OpenDoor
from tests.identity.collection.foreseeing import (
    customers,
    foreseen,
    imported,
    resolved,
    snapshot,
    stored_rows,
    what_happened,
    what_was_said,
    write_rows,
)
from tests.identity.graph.worlds import DENSE, EXAMPLES, FADING, GUARDED, NOW, START, a_history

ROWS = 300


def a_row(chance: random.Random, number: int, values: int) -> dict[str, Any]:
    """A row that names one to four identifiers of the dense world, some of them never seen before."""
    named = []
    for _ in range(chance.choice([1, 2, 2, 3, 4])):
        namespace, value = chance.choice(sorted(DENSE.policies)), chance.randrange(values)
        scope = ("app1" if value % 2 else "app2") if namespace == "openid" else ""
        named.append({"type": namespace, "id": f"{value}", "collection": scope})
    at = START + timedelta(days=chance.uniform(0, 125))
    return {
        "type": "identify", "messageId": f"row-{number}", "timestamp": at.isoformat(),
        "context": {"externalIds": named},
    }  # fmt: skip


def a_file(seed: int, values: int = 8) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [a_row(chance, number, values) for number in range(chance.randrange(1, 40))]


async def declare(door: Door, policies: PolicySet) -> None:
    async with door.runtime.worker_database.transaction(door.workspace.workspace_id) as tx:
        declared = Declared(policies.policies, policies.safeguards, policies.linking)
        await policy_store.put(tx, door.workspace.workspace_id, declared, NOW)


async def live(door: Door, seed: int, values: int = 6) -> None:
    """Have the workspace know a history of log-ins, decisions, and things taken back."""
    home, chance = door.workspace.workspace_id, random.Random(seed)
    facts = [Fact(home, one) for one in a_history(chance, chance.randrange(60), values)]
    if facts:
        async with door.runtime.worker_database.transaction(home) as tx:
            await resolve_evidence(tx, facts, door.runtime.parts.graph)
    await resolved(door)


@pytest.mark.parametrize("policies", [DENSE, GUARDED, FADING], ids=["dense", "guarded", "fading"])
@pytest.mark.parametrize("seed", range(EXAMPLES // 4))
async def test_what_a_preview_says_is_what_the_import_then_does(
    open_door: OpenDoor, policies: PolicySet, seed: int
) -> None:
    door = await open_door(driven_now=NOW)
    await declare(door, policies)
    await live(door, seed)
    for number in range(4):
        name = write_rows(door.import_dir / f"{number}.ndjson", a_file(1_000 * seed + number))
        before = await snapshot(door, policies)
        told = await foreseen(door, name)
        assert told["state"] == "done", told["why"]
        # The breaker holds more where the first of too many links come alone: here all of them come at once.
        door.runtime.parts.batch_size = 1_000
        await imported(door, name)
        after = await snapshot(door, policies)
        assert what_was_said(told["report"]) == what_happened(before, after)
        sizes = [len(nodes) for nodes in after.persons().values()]
        assert told["report"]["persons"]["largest_after"] <= max(sizes, default=0)
        assert told["report"]["identifiers"]["new"] == len(after.owner) - len(before.owner)


async def test_case_30_a_bad_column_is_seen_before_anybody_is_merged_and_the_preview_changes_nothing(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = await open_door(driven_now=NOW)
    people = [customers(number, taobao_id=f"member-{number}") for number in range(ROWS)]
    await imported(door, write_rows(door.import_dir / "people.ndjson", people))
    everything = await stored_rows(door)
    bad = [customers(number, jd_id="not-a-customer-but-the-shop") for number in range(ROWS)]
    bad += [customers(number, taobao_id=f"member-{number + 1}") for number in range(2)]
    bad += [{"type": "identify", "userId": "null"}, {"type": "shout"}]
    name = write_rows(door.import_dir / "bad.ndjson", bad)
    # What is held, or hangs on a hub, is looked at apart: no region here is as large as the column makes one.
    monkeypatch.setattr(judge_regions, "TOGETHER", 5)
    monkeypatch.setattr(judge_regions, "LARGEST", 20)
    told = await foreseen(door, name)
    report, persons = told["report"], told["report"]["persons"]
    assert (told["state"], told["rows_read"], told["total_rows"]) == ("done", len(bad), len(bad))
    assert report["unjudged"] == {"regions": 0, "identifiers": 0}
    assert report["rows"]["read"] == len(bad)
    assert report["rows"]["refused"] == {"unknown_type": 1}
    assert sum(report["identifiers"]["invalid"]["user_id"].values()) == 1
    assert report["links_held"] == ROWS
    assert (persons["merging"], persons["merged_into"], persons["ended"], persons["anchors_lost"]) == (3, 1, 2, 2)
    assert (persons["new"], persons["largest_before"], persons["largest_after"]) == (1, 2, 6)
    assert report["worst"][0] == {"namespace": "jd_id", "row": 1, "joins": 0, "held": ROWS}
    assert {(one["namespace"], one["joins"]) for one in report["worst"][1:]} >= {("crm_id", 1), ("taobao_id", 1)}
    assert await stored_rows(door) == everything, "a preview stores nothing"

    before = await snapshot(door, DENSE)
    door.runtime.parts.batch_size = 1_000
    await imported(door, name)
    after = await snapshot(door, DENSE)
    then, said = what_happened(before, after), what_was_said(report)
    assert {one: said[one] for one in ("more", "new", "merging", "split", "links")} == {
        one: then[one] for one in ("more", "new", "merging", "split", "links")
    }
    again = (await foreseen(door, name))["report"]
    assert again["rows"]["duplicate"] == ROWS + 3
    assert (again["links"], again["persons"]["merging"], again["links_held"]) == ([], 0, 0)


async def test_case_30_what_a_source_would_merge_beyond_its_rate_is_foreseen_and_then_waits(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = await open_door(driven_now=NOW)
    rated = door.runtime.parts.graph.with_defaults(1, Declared({}, Safeguards(merges_per_minute=10)))
    await declare(door, rated)
    people = [customers(number, taobao_id=f"member-{number}") for number in range(60)]
    await imported(door, write_rows(door.import_dir / "people.ndjson", people))
    # Every other customer has the next one's account beside him.
    shifted = [customers(number, taobao_id=f"member-{number + 1}") for number in range(0, 60, 2)]
    shifted += [customers(number, jd_id=f"own-{number}") for number in range(5)]
    name = write_rows(door.import_dir / "shifted.ndjson", shifted)
    everything = await stored_rows(door)
    # What was let merge counts for all regions, however few are looked at together.
    monkeypatch.setattr(judge_regions, "TOGETHER", 5)
    report = (await foreseen(door, name))["report"]
    persons = report["persons"]
    assert (report["links_held"], persons["merging"], persons["merged_into"], persons["ended"]) == (20, 20, 10, 10)
    assert {"was": "absent", "becomes": "quarantined(source_rate)", "count": 20} in report["links"]
    assert await stored_rows(door) == everything, "a preview counts nothing"

    before = await snapshot(door, rated)
    await imported(door, name)
    assert what_was_said(report) == what_happened(before, await snapshot(door, rated))
    again = (await foreseen(door, name))["report"]
    assert (again["links"], again["links_held"]) == ([], 0)


async def test_everybody_on_one_device_makes_a_hub_of_it_and_no_region(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = await open_door(driven_now=NOW)
    device = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
    first = [customers(number, idfv=device) for number in range(2)]
    await imported(door, write_rows(door.import_dir / "first.ndjson", first))
    storm = [customers(number, idfv=device, taobao_id=f"m{number}") for number in range(1, 60)]
    name = write_rows(door.import_dir / "storm.ndjson", storm)
    before = await snapshot(door, DENSE)
    monkeypatch.setattr(judge_regions, "TOGETHER", 5)
    monkeypatch.setattr(judge_regions, "LARGEST", 20)
    report = (await foreseen(door, name))["report"]
    assert report["unjudged"]["regions"] == 0
    door.runtime.parts.batch_size = 1_000
    await imported(door, name)
    assert what_was_said(report)["links"] == what_happened(before, await snapshot(door, DENSE))["links"]
    assert what_was_said(report)["split"] == what_happened(before, await snapshot(door, DENSE))["split"]
    assert {("absent", "shared(hub)"), ("absent", "active")} <= what_was_said(report)["links"].keys()


async def test_a_region_that_is_too_large_to_look_at_is_said_to_be(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = await open_door(driven_now=NOW)
    chain = [customers(number, taobao_id=f"m{number}", jd_id=f"m{number + 1}") for number in range(12)]
    chain += [customers(number + 1, jd_id=f"m{number + 1}") for number in range(12)]
    monkeypatch.setattr(judge_regions, "TOGETHER", 5)
    monkeypatch.setattr(judge_regions, "LARGEST", 30)
    report = (await foreseen(door, write_rows(door.import_dir / "chain.ndjson", chain)))["report"]
    assert report["unjudged"] == {"regions": 1, "identifiers": 37}
    assert report["identifiers"]["new"] == 37


async def test_a_hashed_number_meets_its_plain_one_whichever_is_in_the_file(open_door: OpenDoor) -> None:
    door = await open_door(driven_now=NOW)
    plain = "13912340001"
    md5 = hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()
    stored = [customers(1, phone=plain)]
    await imported(door, write_rows(door.import_dir / "stored.ndjson", stored))
    other = "13912340002"
    others = hashlib.md5(other.encode(), usedforsecurity=False).hexdigest()
    rows = [customers(2, phone_md5=md5), customers(3, phone_md5=others), customers(4, phone=other)]
    name = write_rows(door.import_dir / "hashed.ndjson", rows)
    before = await snapshot(door, DENSE)
    report = (await foreseen(door, name))["report"]
    assert report["persons"]["largest_after"] == 4
    await imported(door, name)
    assert what_was_said(report) == what_happened(before, await snapshot(door, DENSE))


async def test_who_was_erased_is_left_out(open_door: OpenDoor) -> None:
    door = await open_door(driven_now=NOW)
    await imported(door, write_rows(door.import_dir / "a.ndjson", [customers(1, taobao_id="m1"), customers(2)]))
    owned = await door.ask(
        "POST", "/v1/identity/resolve",
        json={"items": [{"identifiers": [{"namespace": "taobao_id", "value": "m1", "scope": ""}]}]},
    )  # fmt: skip
    person = owned.json()["items"][0]["person_id"]
    gone = await door.ask("POST", f"/v1/identity/persons/{person}/erase", json={"reason": "asked for"})
    assert gone.status_code < 300, gone.text
    name = write_rows(door.import_dir / "b.ndjson", [customers(1, jd_id="j1"), customers(2, taobao_id="m1")])
    report = (await foreseen(door, name))["report"]
    before = await snapshot(door, DENSE)
    await imported(door, name)
    assert what_was_said(report) == what_happened(before, await snapshot(door, DENSE))
    assert report["identifiers"]["erased"] == 2


async def test_the_plan_and_the_mapping_say_which_rows_would_not_be_taken(door: Door) -> None:
    plan = {"events": {}, "unplanned_events": "quarantine"}
    answer = await door.ask("PUT", "/v1/identity/tracking-plan", json=plan)
    assert answer.status_code == 200, answer.text
    rows = [
        {"type": "track", "event": "Ordered", "userId": "u1"},
        {"type": "identify", "userId": "u1", "traits": {"phone": "138****8000"}},
    ]
    name = write_rows(door.import_dir / "rows.ndjson", [*rows, {"type": "identify"}])
    report = (await foreseen(door, name))["report"]
    assert report["rows"]["refused"]["unplanned_event"] == 1 and sum(report["rows"]["refused"].values()) == 2
    assert report["identifiers"]["invalid"] == {"phone": {"masked": 1}}
    assert (report["persons"]["before"], report["persons"]["after"], report["persons"]["new"]) == (0, 1, 1)


async def test_an_upload_is_tried_and_forgotten_and_a_broken_file_says_why(door: Door) -> None:
    spec = json.dumps({"source_id": door.server.source_id})
    line = json.dumps(customers(1)).encode()
    made = await door.ask(
        "POST", "/v1/imports/previews", data={"spec": spec}, files={"file": ("people.ndjson", line)}
    )  # fmt: skip
    assert (made.status_code, made.json()["state"], made.json()["report"]) == (202, "waiting", None)
    uploads = door.runtime.settings.data_dir / "imports"
    assert len(list(uploads.iterdir())) == 1
    assert await run_import_previews.open_previews(door.runtime, door.workspace.workspace_id) == 1
    assert await run_import_previews.run(door.runtime) == 1
    assert list(uploads.iterdir()) == []
    assert (await door.ask("GET", made.headers["location"])).json()["report"]["persons"]["new"] == 1

    broken = door.import_dir / "broken.ndjson"
    write_rows(broken, [customers(1)])
    asked = {"source_id": door.server.source_id, "path": broken.name}
    failing = await door.ask("POST", "/v1/imports/previews", json=asked)
    broken.unlink()
    assert await run_import_previews.run(door.runtime) == 1
    told = (await door.ask("GET", failing.headers["location"])).json()
    assert (told["state"], told["report"]) == ("failed", None)
    assert told["why"].startswith("the file cannot be read")
    assert await run_import_previews.run(door.runtime) == 0
    page = (await door.ask("GET", "/v1/imports/previews?limit=1")).json()
    assert [one["preview_id"] for one in page["items"]] == [told["preview_id"]] and page["next_cursor"]
    unknown = await door.ask("POST", "/v1/imports/previews", json={**asked, "path": "people.ndjson"})
    assert unknown.status_code == 404
