"""Anonymous persons are in or out by a flag, in by default; who is named is in at once."""

import pytest

from libs.common.contracts.identity.ownership_changed import VISITOR_NAMESPACES
from libs.common.db import statement
from libs.common.ids import new_id
from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.policy import NamespaceKind
from services.segment.store.spans import OwnershipFact
from services.segment.usecases.add_persons import Newcomer, add_persons
from services.segment.usecases.change_owners import change_owners
from tests.segment.stage import WORKSPACE

BROWSER, LOGIN, OTHER_LOGIN = 501, 502, 503
SEEN = {"all": [{"did": "seen"}]}


async def test_the_flag_leaves_out_whom_nothing_names_and_by_default_they_are_in(stage):
    default, named = await stage.segment(SEEN), await stage.segment({**SEEN, "anonymous": "out"}, name="named")
    said, anonymous = (
        await stage.segment({**SEEN, "anonymous": "in"}, name="said"),
        await stage.segment({"all": [{"did": "seen"}, {"person": "anonymous"}]}, name="anonymous"),
    )
    await stage.create("kim", "lea")
    await stage.own(BROWSER, "kim", namespace="cookie")
    await stage.own(LOGIN, "lea", namespace="user_id")
    await stage.event("kim", "seen", subject=BROWSER)
    await stage.event("lea", "seen", subject=LOGIN)
    assert await stage.members(default) == await stage.members(said) == {"kim", "lea"}
    assert (await stage.members(named), await stage.members(anonymous)) == ({"lea"}, {"kim"})
    assert (await stage.preview({**SEEN, "anonymous": "out"}))["count"] == 1
    assert await stage.ask("lea", condition={**SEEN, "anonymous": "out"})
    assert not await stage.ask("kim", condition={**SEEN, "anonymous": "out"})
    await stage.assert_no_drift()


async def test_who_logs_in_is_in_at_once_and_out_again_when_the_login_is_somebody_elses(stage):
    named = await stage.segment({**SEEN, "anonymous": "out"})
    await stage.create("kim", "lea")
    await stage.own(BROWSER, "kim", namespace="cookie")
    await stage.event("kim", "seen", subject=BROWSER)
    assert await stage.members(named) == set()
    await stage.own(LOGIN, "kim", namespace="user_id")
    assert await stage.members(named) == {"kim"}
    assert [change[1:] for change in await stage.changes()] == [("kim", "entered", "event")]
    await stage.own(OTHER_LOGIN, "kim", namespace="phone")
    assert await stage.changes() == []
    await stage.own(LOGIN, "lea", namespace="user_id")
    assert await stage.members(named) == {"kim"}, "his number still names him"
    await stage.own(OTHER_LOGIN, "lea", namespace="phone")
    assert await stage.members(named) == set()
    await stage.assert_no_drift()


async def test_a_merge_names_the_survivor_and_its_undoing_leaves_him_anonymous(stage):
    named = await stage.segment({**SEEN, "anonymous": "out"})
    await stage.create("kim", "lea")
    await stage.own(LOGIN, "lea", namespace="user_id")
    await stage.event("kim", "seen", subject=BROWSER)
    await stage.merge("kim", "lea")
    assert await stage.members(named) == {"kim"}
    await stage.split("kim", "lea", LOGIN)
    assert await stage.members(named) == set()
    await stage.assert_no_drift()


@pytest.mark.parametrize("first", ["person", "ownership"])
async def test_it_does_not_matter_which_is_heard_first(stage, first):
    named = await stage.segment({"all": [{"none": [{"did": "x"}]}], "anonymous": "out"})
    if first == "ownership":
        await stage.own(LOGIN, "kim")
        await stage.create("kim")
    else:
        await stage.create("kim")
        await stage.own(LOGIN, "kim")
    assert await stage.members(named) == {"kim"}
    await stage.assert_no_drift()


async def test_facts_told_again_say_who_is_named_where_that_was_not_known(stage):
    named = await stage.segment({"all": [{"none": [{"did": "x"}]}], "anonymous": "out"})
    await stage.create("kim")
    # as it is right after the upgrade
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        row = "insert into segment.subject (workspace_id, subject_no, person_no, version) values (1, :subject, :who, 7)"
        await tx.execute(statement(row), subject=LOGIN, who=stage.person("kim"))
    stage.versions = 6
    await stage.own(LOGIN, "kim")
    assert await stage.members(named) == {"kim"}


async def test_person_and_ownership_told_side_by_side_end_named(stage):
    named = await stage.segment({"all": [{"none": [{"did": "x"}]}], "anonymous": "out"})
    common = {"workspace_id": WORKSPACE, "event_id": new_id(), "received_at": stage.now}
    kim = stage.person("kim")
    database = stage.app.runtime.worker_database
    async with database.transaction(WORKSPACE) as first, database.transaction(WORKSPACE) as second:
        # neither sees the other
        newcomer = Newcomer(kim, stage.ids["kim"], 1, False, new_id(), stage.now)
        await add_persons(first, workspace_id=WORKSPACE, newcomers=[newcomer])
        await change_owners(second, facts=[OwnershipFact(LOGIN, kim, 1, naming=True)], **common)
    stage.app.runtime.wake("answer_rounds")
    await stage.app.drain(WORKSPACE)
    assert await stage.members(named) == {"kim"}
    await stage.assert_no_drift()


async def test_a_split_heard_after_a_later_merge_takes_the_name_from_whoever_had_it(stage):
    named = await stage.segment({"all": [{"none": [{"did": "x"}]}], "anonymous": "out"})
    await stage.create("kim", "lea", "max")
    await stage.own(LOGIN, "lea")
    await stage.merge("kim", "lea")
    stage.versions += 1
    await stage.merge("max", "kim")
    assert await stage.members(named) == {"max"}
    earlier, stage.versions = stage.versions, stage.versions - 2
    await stage.split("kim", "lea", LOGIN)
    stage.versions = earlier
    assert await stage.members(named) == {"lea"}
    await stage.assert_no_drift()


async def test_the_flag_of_a_part_of_a_grid_is_the_flag_of_its_segments(stage):
    await stage.create("kim", "lea")
    await stage.own(LOGIN, "lea")
    value = {"key": "v", "name": "V", "definition": {"none": [{"did": "y"}]}}
    grid = {
        "name": "{axis}", "state": "live", "base": {"all": [{"none": [{"did": "x"}]}], "anonymous": "out"},
        "axes": [{"name": "axis", "values": [value]}],
    }  # fmt: skip
    answer = await stage.app.client.post("/v1/segment/segments/grid", json=grid)
    assert answer.status_code == 201, answer.text
    await stage.app.drain(WORKSPACE)
    [made] = answer.json()["segments"]
    assert await stage.members(made["segment_id"]) == {"lea"}


@pytest.mark.parametrize(
    ("definition", "pointer"),
    [
        ({**SEEN, "anonymous": "maybe"}, "/definition/anonymous"),
        ({"did": "seen", "anonymous": "out"}, "/definition/anonymous"),
        ({"did": "seen", "anonymous": "in"}, "/definition/anonymous"),
        ({"all": [{"all": [{"did": "seen"}], "anonymous": "out"}]}, "/definition/all/0/anonymous"),
        ({"person": "anonymous", "span": "7 days"}, "/definition/span"),
        ({"anonymous": "out"}, "/definition"),
    ],
)
async def test_what_is_wrong_is_named_by_its_pointer(stage, definition, pointer):
    answer = await stage.app.client.post("/v1/segment/preview", json={"definition": definition})
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_what_names_nobody_is_what_identity_joins_nobody_by():
    kinds = discover(namespaces, "namespace", NamespaceKind)
    assert {kind.name for kind in kinds if not kind.policy.bridges} == VISITOR_NAMESPACES
