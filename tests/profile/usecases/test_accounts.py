"""Accounts: any order of the group calls ends in the same traits, and what was said is told again as it was."""

import random

import msgspec

from libs.common.contracts.profile.account_changed import AccountChanged
from libs.common.db import statement
from services.profile.store.accounts import view_of, views_from
from services.profile.usecases.record_events import record_events
from services.profile.usecases.say_account import account_changed
from tests.profile.saying import SEALER, an_event, some_means
from tests.profile.usecases.test_any_order_gives_the_same_tables import workspaces


def group(person: int, account: str, minute: float, **more):
    return an_event(person, person, kind="group", group_id=account, minute=minute, **more)


def a_scene():
    return [
        group(1, "acme", 1, traits={"plan": "free", "seats": 10}),
        group(2, "acme", 3, traits={"plan": "paid"}, personal={"phone": "+4930123456"}),
        group(1, "acme", 2, traits={"plan": "trial", "seats": None}),
        group(3, "bolt", 1, traits={"plan": "free"}),
        group(3, "bolt", 2, traits={"$unset": ["plan"]}),
        group(3, " ", 2, traits={"plan": "nobody's"}),
        an_event(1, 1, name="seen", group_id="acme", traits={"plan": "not a group call"}),
    ]


async def hear(database, workspace_id, batches):
    for batch in batches:
        async with database.worker.transaction(workspace_id) as tx:
            mine = [msgspec.structs.replace(event, workspace_id=workspace_id) for event in batch]
            await record_events(tx, mine, means=some_means())
    async with database.worker.transaction(workspace_id) as tx:
        rows = await views_from(tx, workspace_id, after=("", ""), limit=100)
        said = await tx.fetch(
            statement("select payload from outbox_log where subject = :subject order by log_id"),
            subject=AccountChanged.subject,
        )
    events = [
        msgspec.json.decode(line, type=AccountChanged) for row in said for line in bytes(row["payload"]).splitlines()
    ]
    return [view_of(row) for row in rows], [event for event in events if event.workspace_id == workspace_id]


def shown(views):
    return {
        view.about[1:]: (view.value, SEALER.open(view.sealed) if view.sealed else None, view.since) for view in views
    }


async def test_the_newest_value_of_each_trait_stands_and_personal_ones_are_sealed(profile_database):
    views, _ = await hear(profile_database, next(workspaces), [a_scene()])
    values = {about: (value, sealed) for about, (value, sealed, _) in shown(views).items()}
    assert values == {
        ("acme", "plan"): (b'"paid"', None),
        ("acme", "seats"): (b"10", None),
        ("acme", "phone"): (None, b'"+4930123456"'),
        ("bolt", "plan"): (None, None),
    }


async def test_any_order_and_repetition_ends_in_the_same_traits(profile_database):
    straight, _ = await hear(profile_database, next(workspaces), [a_scene()])
    for seed in range(5):
        chance = random.Random(seed)
        scene = a_scene()
        shuffled = [*scene, *chance.sample(scene, 3)]
        chance.shuffle(shuffled)
        views, _ = await hear(profile_database, next(workspaces), [[event] for event in shuffled])
        assert shown(views) == shown(straight)


async def test_what_was_said_last_is_told_again_under_the_same_id(profile_database):
    views, said = await hear(profile_database, next(workspaces), [[event] for event in a_scene()])
    newest = {}
    for event in said:
        known = newest.get((event.account, event.name))
        newest[event.account, event.name] = event if known is None or event.version > known.version else known
    again = {(event.account, event.name): event for event in map(account_changed, views)}
    assert {key: event.id for key, event in again.items()} == {key: event.id for key, event in newest.items()}
    assert again["bolt", "plan"].removed and again["acme", "phone"].value == msgspec.Raw(b"null")
