"""Persons that identity tells of after what happened to them: how long they are known stands all the same."""

import pytest

from libs.common.contracts.identity.person_created import PersonCreated
from tests.segment.stage import WORKSPACE

AGES = [{"person": word, "span": "7 days"} for word in ("older_than", "younger_than")]


def created(stage, name):
    return PersonCreated(
        workspace_id=WORKSPACE, person_no=stage.person(name), person_id=stage.ids[name],
        graph_version=stage.version(), received_at=stage.now, occurred_at=stage.now,
    )  # fmt: skip


@pytest.mark.parametrize("late", ["the absorbed one", "the survivor"])
async def test_a_merge_told_before_its_parts(stage, late):
    older, younger = [await stage.segment(body) for body in AGES]
    await stage.create("zoe")
    told = created(stage, "kim")
    await stage.pass_time(days=10)
    await stage.create("lea")
    if late == "the survivor":
        await stage.merge("kim", "lea")
    else:
        await stage.merge("lea", "kim")
    present = "kim" if late == "the survivor" else "lea"
    await stage.say(told)
    assert (await stage.members(older), await stage.members(younger)) == ({"zoe", present}, set())
    await stage.assert_no_drift()


async def test_who_stands_alone_again_before_he_is_told_of(stage):
    older, younger = [await stage.segment(body) for body in AGES]
    told = created(stage, "kim")
    await stage.pass_time(days=5)
    await stage.create("lea")
    await stage.merge("lea", "kim")
    await stage.split("lea", "kim", 1000 + stage.person("kim"))
    await stage.say(told)
    assert (await stage.members(older), await stage.members(younger)) == (set(), {"kim", "lea"})
    await stage.pass_time(days=3)
    assert (await stage.members(older), await stage.members(younger)) == ({"kim"}, {"lea"})
    await stage.assert_no_drift()
