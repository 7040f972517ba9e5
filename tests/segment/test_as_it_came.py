"""What was true at arrival stays in the columnar store; only who owns a subject now is read anew."""

from datetime import timedelta

import msgspec

from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import statement
from tests.fixtures.apps import House
from tests.segment.stage import WORKSPACE, Stage, a_stage


async def test_a_merge_leaves_subject_and_person_at_arrival_as_they_were(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("ann", "ben")
    buyers = await stage.segment({"did": "bought"})
    await stage.event("ann", "bought", subject=77)
    await stage.merge("ben", "ann")
    await stage.own(77, "ben")
    assert await stage.members(buyers) == {"ben"}
    rows = await stage.app.runtime.parts.columnar.rows(
        "select subject_no, person_no_at_ingest, person_no from event", {}
    )
    ann = stage.person("ann")
    assert rows == [{"subject_no": 77, "person_no_at_ingest": ann, "person_no": ann}]


async def sequences(stage: Stage) -> list[int]:
    async with stage.app.runtime.worker_database.transaction(WORKSPACE) as tx:
        rows = await tx.fetch(statement("select subject, payload from outbox_log order by log_id"))
    contracts = {MembershipEntered.subject: MembershipEntered, MembershipExited.subject: MembershipExited}
    return [
        msgspec.json.decode(line, type=contracts[row["subject"]]).sequence
        for row in rows
        if row["subject"] in contracts
        for line in bytes(row["payload"]).splitlines()
    ]


async def test_the_changes_of_a_person_in_a_segment_are_numbered(house: House) -> None:
    stage = await a_stage(house)
    await stage.create("ann")
    await stage.segment({"did": "bought", "window": {"last": "1 day"}})
    for _ in range(2):
        await stage.event("ann", "bought")
        await stage.clock(stage.now + timedelta(days=2))
    assert await sequences(stage) == [1, 2, 3, 4]
