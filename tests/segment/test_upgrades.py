"""What was stored by a version of before is brought up to date by the migrations, as their owner runs them."""

import importlib

import pytest

from libs.common.db import statement
from tests.segment.migrating import upgrade_again
from tests.segment.stage import WORKSPACE
from tests.segment.test_reconcile import damage, reconcile, without_record

migration = importlib.import_module("services.segment.migrations.versions.0013_negatives_of_misfits")
NEGATIVES = {
    "not_equals": {"trait": "tier", "op": "not_equals", "value": "gold"},
    "not_in": {"did": "bought", "where": [{"prop": "tier", "op": "not_in", "value": ["gold"]}]},
    "not_contains": {"any": [{"all": [{"trait": "tier", "op": "not_contains", "value": "gold"}]}]},
    "has_none": {"account": "any", "where": [{"trait": "tier", "op": "has_none", "value": "gold"}]},
}


async def furnished(stage):
    """Kim has a value that fits no operator here, lea one that fits, max too."""
    for name, value in {"kim": {"gold": "gold"}, "lea": "iron", "max": "gold"}.items():
        await stage.trait(name, "tier", value)
        await stage.event(name, "bought", {"tier": value})
        await stage.group(name, f"of {name}")
        await stage.account(f"of {name}", "tier", value)


async def asked_for(stage):
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select segment_id::text, cause, version from segment.recompute"))
    return {row["segment_id"]: (row["cause"], row["version"]) for row in rows}


@pytest.mark.parametrize("op", NEGATIVES)
async def test_who_was_in_by_a_negative_of_before_exits_as_after_an_edit_and_is_no_drift(stage, monkeypatch, op):
    await furnished(stage)
    segment = await stage.segment(NEGATIVES[op])
    outer = await stage.segment({"in_segment": segment})
    assert await stage.members(segment) == {"lea"} == await stage.members(outer)
    for one in (segment, outer):
        await damage(stage, one, [stage.person("kim"), stage.person("lea")])
    await stage.changes()
    await upgrade_again(stage, migration, monkeypatch)
    stage.app.runtime.wake("answer_rounds")
    await stage.app.drain(WORKSPACE)
    assert await stage.members(segment) == {"lea"} == await stage.members(outer)
    assert sorted(await stage.changes()) == sorted(
        [(segment, "kim", "exited", "edit"), (outer, "kim", "exited", "edit")]
    )
    without_record(monkeypatch, {})
    found = await reconcile(stage)
    assert (found["segments"], found["missing"], found["surplus"]) == (2, 0, 0), found


async def test_other_segments_drafts_and_paused_ones_are_not_asked_again(stage, monkeypatch):
    await furnished(stage)
    negative = NEGATIVES["not_equals"]
    await stage.segment({"trait": "tier", "op": "equals", "value": "not_equals"})
    await stage.segment(negative, state="draft")
    paused = await stage.segment(negative)
    body = {"state": "paused"}
    assert (await stage.app.client.patch(f"/v1/segment/segments/{paused}", json=body)).status_code == 200
    live = await stage.segment(negative)
    with monkeypatch.context() as patched:
        patched.setattr("services.segment.jobs.answer_rounds.run_round", _waits)
        await upgrade_again(stage, migration, monkeypatch)
        assert await asked_for(stage) == {live: ("edit", 1)}


async def _waits(*_):
    return 0
