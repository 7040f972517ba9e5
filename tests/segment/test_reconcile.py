"""Every live segment is asked in full at night: drift is counted, repaired and told; what cannot be asked stays."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from libs.common.db import statement
from services.segment.domain.nightly import last_night
from services.segment.jobs import try_again
from services.segment.store import memberships
from services.segment.store.columnar import QueryTooHeavy, Refusal
from tests.segment.stage import WORKSPACE

BOUGHT = {"did": "bought"}
ADULT = {"trait": "age", "op": "gte", "value": 18}
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Apia", "Europe/Berlin"])


@given(now=st.integers(950_000_000, 2_500_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)), zone=ZONES)
def test_the_last_night_was_at_three_and_not_a_day_and_an_hour_ago(now, zone):
    night = last_night(now, zone)
    assert night <= now
    assert (now - night).total_seconds() <= 25 * 3600
    local = night.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) in {(3, 0), (4, 0)}, "four where three is left out"


async def damage(stage, segment, members):
    """Write other members than the definition says, behind the engine's back."""
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await memberships.save_chunks(tx, WORKSPACE, [(segment, 0, BitMap(members))])
        await memberships.disturb(tx, WORKSPACE)


async def reconcile(stage):
    client = stage.app.client
    assert (await client.post("/v1/segment/reconciliations")).status_code == 202
    await stage.app.drain()
    return (await client.get("/v1/segment/reconciliations")).json()["items"][0]


def without_record(monkeypatch, days):
    """The owners are not in this test: `days` are what they would count."""

    async def counted(_runtime, _workspace_id):
        return days

    monkeypatch.setattr("services.segment.jobs.reconcile.days_of_record", counted)


async def test_drift_reads_0_and_is_counted_and_repaired_where_it_does_not(stage, monkeypatch):
    bought, adult = await stage.segment(BOUGHT), await stage.segment(ADULT)
    both = await stage.segment({"all": [{"in_segment": bought}, {"in_segment": adult}]})
    for name in ("kim", "lea", "max"):
        await stage.event(name, "bought")
    await stage.trait("kim", "age", 20)
    without_record(monkeypatch, {(stage.now.date(), "collected"): 3})
    found = await reconcile(stage)
    assert (found["segments"], found["missing"], found["surplus"], found["apart"]) == (3, 0, 0, 0), found
    await stage.changes()

    zoe = stage.person("zoe")
    await stage.create("zoe")
    await damage(stage, bought, [stage.person("kim"), zoe])
    without_record(monkeypatch, {(stage.now.date(), "collected"): 4})
    found = await reconcile(stage)
    assert (found["missing"], found["surplus"], found["apart"]) == (2, 1, 1)
    assert found["details"]["drift"] == {bought: [2, 1]}
    assert found["details"]["days"] == {f"{stage.now.date()} collected": [3, 4]}
    assert sorted(await stage.changes()) == sorted(
        [(bought, "lea", "entered", "reconcile"), (bought, "max", "entered", "reconcile"),
         (bought, "zoe", "exited", "reconcile")]
    )  # fmt: skip
    assert await stage.members(bought) == {"kim", "lea", "max"}
    assert await stage.members(both) == {"kim"}
    assert (await reconcile(stage))["missing"] == 0


async def test_a_segment_that_cannot_be_asked_keeps_its_members_and_the_others_go_on(stage, monkeypatch):
    heavy, light = await stage.segment(BOUGHT), await stage.segment(ADULT)
    on_top = await stage.segment({"in_segment": heavy})
    await stage.event("kim", "bought")
    columnar = stage.app.runtime.parts.columnar
    asked = columnar.ask

    async def too_heavy(sql, parameters, **more):
        if more and "bought" in str(parameters.values()):
            raise QueryTooHeavy("the question needs more time or memory than one question may take")
        return await asked(sql, parameters, **more)

    monkeypatch.setattr(columnar, "ask", too_heavy)
    await stage.event("lea", "bought")
    await stage.trait("lea", "age", 30)
    assert await stage.members(light) == {"lea"}, "the others are answered"
    assert await stage.members(heavy) == await stage.members(on_top) == {"kim"}, "nobody is put out"
    shown = (await stage.app.client.get(f"/v1/segment/segments/{heavy}")).json()
    assert shown["trouble"] == "the question needs more time or memory than one question may take"
    for one in (heavy, on_top):
        assert [await stage.ask(name, segment_id=one) for name in ("kim", "lea")] == [True, False], "as they stood"
    refused = await stage.app.client.post("/v1/segment/preview", json={"definition": BOUGHT})
    assert refused.status_code == 503, refused.text
    edited = await stage.app.client.patch(f"/v1/segment/segments/{light}", json={"definition": BOUGHT})
    assert edited.status_code == 200
    await stage.app.drain()
    assert await stage.members(light) == {"lea"}, "the old version answers while the new one cannot"
    new = await stage.segment(BOUGHT, name="new")
    assert await stage.members(new) == set()
    await stage.changes()

    monkeypatch.undo()
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        await tx.execute(statement("update segment.segment set tried_at = tried_at - interval '1 hour'"))
    await try_again.run(stage.app.runtime)
    await stage.app.drain()
    assert await stage.members(heavy) == await stage.members(on_top) == await stage.members(light) == {"kim", "lea"}
    assert (await stage.app.client.get(f"/v1/segment/segments/{heavy}")).json()["trouble"] == ""
    told = {(segment, cause) for segment, _, _, cause in await stage.changes()}
    assert {(heavy, "reconcile"), (light, "edit"), (new, "backfill")} <= told, "journeys ask why somebody entered"


async def test_a_store_that_refuses_everything_empties_nothing(stage, monkeypatch):
    segment = await stage.segment({"none": [BOUGHT]})
    await stage.create("kim")

    columnar = stage.app.runtime.parts.columnar
    asked = columnar.ask

    async def refuses(sql, parameters, **more):
        if more:
            raise Refusal("Code: 60. the table is gone")
        return await asked(sql, parameters)

    monkeypatch.setattr(columnar, "ask", refuses)
    await stage.create("lea")
    await stage.event("kim", "bought")
    assert await stage.members(segment) == {"kim"}
    shown = (await stage.app.client.get(f"/v1/segment/segments/{segment}")).json()
    assert (shown["size"], shown["trouble"]) == (1, "the columnar store does not take the question")
