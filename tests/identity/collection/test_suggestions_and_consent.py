"""Nobody is suggested who has withdrawn that his identifiers are linked (case 28)."""

from datetime import UTC, datetime

import pytest

from libs.common.contracts.profile.permission_changed import PermissionChanged, PermissionStep
from services.identity.domain.consents import Word
from services.identity.usecases.take_permissions import take_permissions
from tests.identity.collection.conftest import Door
from tests.identity.collection.test_inferred_evidence import infer
from tests.identity.collection.test_suggestions import PHONE, U1, U2, decide, say, suggested

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def number_of(door: Door, identifier: dict[str, str]) -> int:
    """Identifiers of a namespace are told apart by the order in which they came."""
    rows = await door.rows("select node_no from node where namespace = :name order by node_no", name="user_id")
    return int(rows[[U1, U2].index(identifier)]["node_no"])


async def says(door: Door, version: int, who: dict[str, str], **words: Word) -> None:
    """Tell what somebody allows, by purpose; `of_all` is of all purposes."""
    home, now, subject = door.workspace.workspace_id, datetime.now(UTC), await number_of(door, who)
    told = [
        PermissionChanged(
            workspace_id=home, received_at=now, occurred_at=now, subject_no=subject, version=version,
            purpose="*" if purpose == "of_all" else purpose, steps=(PermissionStep(LONG_AGO, word),),
        )
        for purpose, word in words.items()
    ]  # fmt: skip
    async with door.runtime.worker_database.transaction(home) as tx:
        await take_permissions(tx, told, door.runtime.parts.graph)


async def met(door: Door) -> None:
    """The first user's telephone is his by somebody's decision, which needs no consent; the second is refused there."""
    for one in (U1, U2):
        await say(door, ("login", 1, [one]))
    await say(door, ("must_link", 0, [U1, PHONE]), ("login", 1, [U2, PHONE]))


async def test_case_28_a_refused_link_suggests_nobody_who_has_withdrawn_and_does_again_when_he_grants(
    door: Door,
) -> None:
    await met(door)
    [item] = await suggested(door)
    assert item["origin"] == "refused_link"
    await says(door, 1, U1, linking="withdrawn")
    assert await suggested(door) == []
    answer = await decide(door, item, "accept")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "out_of_date")
    await says(door, 2, U1, linking="granted")
    assert [one["suggestion_id"] for one in await suggested(door)] == [item["suggestion_id"]]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ({"marketing": "withdrawn"}, True),
        ({"of_all": "withdrawn"}, False),
        ({"of_all": "withdrawn", "linking": "granted"}, True),
        ({"of_all": "granted", "linking": "withdrawn"}, False),
    ],
)
async def test_case_28_a_word_about_all_purposes_yields_to_one_about_linking(
    door: Door, words: dict[str, Word], shown: bool
) -> None:
    await met(door)
    await says(door, 1, U1, **words)
    assert bool(await suggested(door)) is shown


async def test_case_28_what_is_only_inferred_of_two_users_suggests_nobody_who_has_withdrawn(door: Door) -> None:
    for one in (U1, U2):
        await say(door, ("login", 1, [one]))
    await infer(door, U1, U2, score=7)
    assert len(await suggested(door)) == 1
    await says(door, 1, U2, linking="withdrawn")
    assert await suggested(door) == []


async def test_case_28_where_nobody_need_consent_a_withdrawal_hides_nothing(door: Door) -> None:
    user = {"priority": 1, "max_per_person": 1, "cap_per": "scope", "singleton": True, "consent_purpose": None}
    answer = await door.ask("PUT", "/v1/identity/policies", json={"namespaces": {"user_id": user}})
    assert answer.status_code == 200, answer.text
    await met(door)
    await says(door, 1, U1, linking="withdrawn")
    assert len(await suggested(door)) == 1
