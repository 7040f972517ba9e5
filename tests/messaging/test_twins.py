"""Case 24 in messaging: of what both sides were to get one goes, and the other when that one fails for good."""

from datetime import timedelta
from typing import Any

import pytest

from services.messaging.domain.channel import Outcome, Outgoing, Refused
from services.messaging.domain.provider_errors import CanonicalError
from services.messaging.subscribers import on_message_requested, on_person_merged
from tests.messaging.provider import FakeProvider
from tests.messaging.stage import Stage
from tests.messaging.test_persons import a_merge, a_request, listed, rounds, settled, with_template

CAP_OF_ONE = {"id": "d", "count": 1, "window": {"calendar": "day"}}


async def both_asked(stage: Stage, first: dict[str, Any], second: dict[str, Any]) -> None:
    """The same step of a journey, asked for of two persons one after the other, who then turn out to be one."""
    await with_template(stage)
    await stage.hear(on_message_requested.handle, a_request(stage, 1, "one/mail/1", **first))
    await stage.hear(on_message_requested.handle, a_request(stage, 2, "two/mail/1", **second))
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))


def refusing(stage: Stage, error: CanonicalError, times: int = 1) -> FakeProvider:
    """Give a provider of mail that refuses so many times and then takes everything."""
    refused: list[Outgoing] = []

    def answer(outgoing: Outgoing) -> Outcome | None:
        if len(refused) >= times:
            return None
        refused.append(outgoing)
        return Refused(error, "no")

    return stage.provider("email", answer=answer)


async def ended(stage: Stage) -> list[tuple[str, str]]:
    return sorted((m["state"], m["reason"]) for m in await listed(stage))


@pytest.mark.parametrize("caps", [[], [CAP_OF_ONE]], ids=["without a cap", "with one place"])
async def test_case_24_the_twin_goes_when_the_first_fails_for_good(idle_stage: Stage, caps: list[Any]) -> None:
    stage = idle_stage
    await stage.policies(caps=caps)
    provider = refusing(stage, CanonicalError.CONTENT)
    await both_asked(stage, {}, {})
    await settled(stage)
    assert await ended(stage) == [("failed", "content"), ("sent", "")]
    assert len(provider.taken) == 1


@pytest.mark.parametrize("caps", [[], [CAP_OF_ONE]], ids=["without a cap", "with one place"])
async def test_case_24_the_twin_waits_for_a_second_try_and_goes_when_that_is_too_late(
    idle_stage: Stage, caps: list[Any]
) -> None:
    stage = idle_stage
    await stage.policies(caps=caps)
    provider = refusing(stage, CanonicalError.RATE_SHORT)
    soon, later = stage.now + timedelta(seconds=1), stage.now + timedelta(days=1)
    await both_asked(stage, {"expires_at": soon}, {"expires_at": later})
    await settled(stage)
    assert await ended(stage) == [("queued", ""), ("retrying", "rate_short")]
    await stage.app.put_clock(stage.now + timedelta(minutes=10), held=False)
    await settled(stage)
    assert await ended(stage) == [("dropped", "expired"), ("sent", "")]
    assert len(provider.taken) == 1


async def test_case_24_the_twin_is_dropped_once_a_provider_has_taken_the_first(idle_stage: Stage) -> None:
    stage = idle_stage
    provider = refusing(stage, CanonicalError.RATE_SHORT)
    later = {"expires_at": stage.now + timedelta(days=1)}
    await both_asked(stage, later, later)
    await settled(stage)
    assert provider.taken == []
    await stage.app.put_clock(stage.now + timedelta(minutes=10), held=False)
    await settled(stage)
    assert await ended(stage) == [("dropped", "duplicate"), ("sent", "")]
    assert len(provider.taken) == 1


async def test_twins_of_what_was_sent_use_up_no_cap_for_each_other(idle_stage: Stage) -> None:
    stage = idle_stage
    stage.provider("email")
    await stage.policies(caps=[{**CAP_OF_ONE, "count": 2}])
    await with_template(stage)
    await stage.hear(on_message_requested.handle, a_request(stage, 1, "one/mail/1"))
    await settled(stage)
    await stage.hear(on_message_requested.handle, a_request(stage, 2, "two/mail/1"), a_request(stage, 2, "two/mail/2"))
    await stage.hear(on_person_merged.handle, a_merge(stage, 1, 2))
    await settled(stage)
    assert await ended(stage) == [("dropped", "duplicate"), ("dropped", "duplicate"), ("sent", "")]


async def test_case_24_the_twin_goes_to_its_own_address_when_the_first_loses_his_to_somebody_else(
    idle_stage: Stage,
) -> None:
    stage = idle_stage
    email, push = stage.provider("email"), stage.provider("push")
    await stage.policies(same_address_within="P7D")
    for person_no in (1, 3):
        stage.neighbours.person(person_no).addresses["email"] = "family@example.org"
    await with_template(stage)
    await stage.hear(on_message_requested.handle, a_request(stage, 3, "three/mail/1"))
    await rounds(stage)
    await both_asked(stage, {}, {"channels": ("push",)})
    await settled(stage)
    assert [len(provider.taken) for provider in (email, push)] == [1, 1]
    [dropped] = await listed(stage, state="dropped")
    assert (dropped["reason"], dropped["values"]["by"]) == ("duplicate", "address")
