"""Where persons can be reached and what they allow, from profile, in batches."""

from collections.abc import Sequence
from typing import Any

import msgspec

from libs.common.http.peers import MAX_BATCH
from libs.common.runtime import Runtime


class Reach(msgspec.Struct, frozen=True):
    """What is read of profile's answer; the address is in clear, traits are as they were sent."""

    person_no: int
    state: str
    address: str | None
    contact_state: str | None
    traits: dict[str, msgspec.Raw]

    @property
    def is_allowed(self) -> bool:
        """Tell whether the person allowed it and has an address that was not given up."""
        return self.state == "granted" and self.address is not None and self.contact_state not in _GIVEN_UP


class _Answers(msgspec.Struct):
    answers: list[Reach]


_GIVEN_UP = frozenset({"bounced", "invalid", "complained", "suppressed", "unsubscribed"})
ANSWERS_AT_ONCE = MAX_BATCH


async def reach_persons(
    runtime: Runtime[Any],
    workspace_id: int,
    person_nos: Sequence[int],
    *,
    channel: str,
    purpose: str,
    topic: str,
    traits: Sequence[str],
) -> list[Reach]:
    """Ask about up to 500 persons; the answers are in their order."""
    if not person_nos:
        return []
    questions = [
        {"person_no": number, "channel": channel, "purpose": purpose, "topic": topic or None} for number in person_nos
    ]
    body = {"questions": questions, "traits": list(traits)}
    answer = await runtime.peers.post("profile", "/v1/profile/reachability", workspace_id, body, _Answers)
    return answer.answers
