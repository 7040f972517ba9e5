"""What messaging asks of profile at the moment of sending, and tells it when somebody unsubscribes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.errors import Unavailable
from libs.common.http.peers import MAX_BATCH, Peers
from services.messaging.domain.gate import Reach
from services.messaging.domain.intent import Intent

REACHABILITY_PATH = "/v1/profile/reachability"
CONSENTS_PATH = "/v1/profile/consents"


class Question(msgspec.Struct, frozen=True):
    """May this person be written to on this channel, and where."""

    person_no: int
    channel: str
    purpose: str
    topic: str


class Answer(msgspec.Struct, frozen=True):
    """The part of profile's answer that is read here."""

    person_no: int
    channel: str
    state: str = "unknown"
    by: str | None = None
    address: str | None = None
    contact_state: str | None = None
    timezone: str | None = None
    locale: str | None = None
    traits: dict[str, Any] = {}


class _Reply(msgspec.Struct, frozen=True):
    answers: list[Answer]
    watermark: datetime | None = None


@dataclass(frozen=True)
class Answers:
    """Profile's answers by (person, channel, purpose, topic); all received before `watermark` is in them."""

    reach: dict[tuple[int, str, str, str], Reach]
    watermark: datetime | None


async def ask_reach(peers: Peers, workspace_id: int, intents: Sequence[Intent], traits: Sequence[str]) -> Answers:
    """Return what profile says for every open channel of the intents; raises Unavailable when it does not answer."""
    wanted = {
        (i.person_no, channel, i.question_purpose, i.topic): Question(i.person_no, channel, i.question_purpose, i.topic)
        for i in intents
        for channel in i.open_channels
    }
    keys = list(wanted)
    found: dict[tuple[int, str, str, str], Reach] = {}
    marks: list[datetime] = []
    for start in range(0, len(keys), MAX_BATCH):
        part = keys[start : start + MAX_BATCH]
        body = {"questions": [msgspec.to_builtins(wanted[key]) for key in part], "traits": list(traits)}
        reply = await peers.post("profile", REACHABILITY_PATH, workspace_id, body, _Reply, timeout_seconds=5.0)
        if [(a.person_no, a.channel) for a in reply.answers] != [(key[0], key[1]) for key in part]:
            raise Unavailable("profile's answers do not fit the questions")
        found.update({key: _reach(answer) for key, answer in zip(part, reply.answers, strict=True)})
        if reply.watermark is not None:
            marks.append(reply.watermark)
    return Answers(found, min(marks, default=None))


def reach_of(intent: Intent, answers: Answers) -> Mapping[str, Reach]:
    """Return the answers for one intent, by channel."""
    return {
        channel: answers.reach.get((intent.person_no, channel, intent.question_purpose, intent.topic), Reach())
        for channel in intent.open_channels
    }


def _reach(answer: Answer) -> Reach:
    return Reach(
        consent=answer.state,
        by=answer.by or "",
        address=answer.address,
        contact_state=answer.contact_state or "",
        timezone=answer.timezone,
        locale=answer.locale,
        traits=answer.traits,
    )


async def withdraw(
    peers: Peers,
    workspace_id: int,
    *,
    person_no: int,
    purpose: str,
    channel: str,
    topic: str,
    at: datetime,
    message_id: UUID,
) -> None:
    """Write a withdrawal into the consent ledger; saying it twice changes nothing."""
    statement = {
        "person_no": person_no,
        "purpose": purpose,
        "channel": channel,
        "topic": topic,
        "state": "withdrawn",
        "at": at,
        "source": "unsubscribe link",
        "actor": "person",
        "proof": {"message_id": message_id},
    }
    await peers.post("profile", CONSENTS_PATH, workspace_id, statement, object)
