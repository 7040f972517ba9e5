"""What the engine asks the other services, in batches: segments and conditions of segment, traits of profile."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.common.http.peers import MAX_BATCH, Peers
from services.journey.domain.node import Question

Person = tuple[int, UUID]
"""Number and id."""


class Membership(msgspec.Struct):
    """Which of the persons asked about are in."""

    person_nos: list[int]


class PersonTraits(msgspec.Struct):
    """The traits asked for of one person; those he does not have are absent."""

    person_no: int
    traits: dict[str, Any] = {}


class TraitAnswers(msgspec.Struct):
    """Traits by person."""

    items: list[PersonTraits]


async def ask(peers: Peers, workspace_id: int, asked: Mapping[Question, set[Person]]) -> dict[int, dict[Question, Any]]:
    """Return the answers by person; raises Unavailable when a service is away."""
    found: dict[int, dict[Question, Any]] = {}
    traits = {question: persons for question, persons in asked.items() if question.kind == "trait"}
    for question, persons in asked.items():
        if question.kind == "trait":
            continue
        for part in _parts(persons):
            inside = await _ask_segment(peers, workspace_id, question, part)
            for person_no, _ in part:
                found.setdefault(person_no, {})[question] = person_no in inside
    if traits:
        names = sorted({question.subject for question in traits})
        for part in _parts({person for persons in traits.values() for person in persons}):
            known = await _ask_traits(peers, workspace_id, names, part)
            for person_no, _ in part:
                values = known.get(person_no, {})
                found.setdefault(person_no, {}).update({Question("trait", name): values.get(name) for name in names})
    return found


def _parts(persons: Iterable[Person]) -> list[Sequence[Person]]:
    ordered = sorted(persons)
    return [ordered[start : start + MAX_BATCH] for start in range(0, len(ordered), MAX_BATCH)]


async def _ask_segment(peers: Peers, workspace_id: int, question: Question, persons: Sequence[Person]) -> set[int]:
    body: dict[str, Any] = {"person_nos": [person_no for person_no, _ in persons]}
    if question.kind == "segment":
        body["segment_id"] = question.subject
    else:
        body["condition"] = msgspec.Raw(question.subject.encode())
    answer = await peers.post("segment", "/v1/segment/questions/membership", workspace_id, body, Membership)
    return set(answer.person_nos)


async def _ask_traits(
    peers: Peers, workspace_id: int, names: list[str], persons: Sequence[Person]
) -> dict[int, dict[str, Any]]:
    body = {"person_nos": [person_no for person_no, _ in persons], "names": names}
    answer = await peers.post("profile", "/v1/profile/questions/traits", workspace_id, body, TraitAnswers)
    return {item.person_no: item.traits for item in answer.items}
