"""Profile and identity as messaging sees them: programmable, with the wire forms of the real ones."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import msgspec


def person_id_of(person_no: int) -> UUID:
    return UUID(int=0x01900000_0000_7000_8000_000000000000 + person_no)


@dataclass
class FakePerson:
    """What profile knows: consent by channel (granted where nothing is said), addresses, zone, language, traits."""

    consent: dict[str, str] = field(default_factory=dict)
    by: str = "channel"
    addresses: dict[str, str | None] = field(default_factory=dict)
    contact_state: str = "declared"
    timezone: str | None = None
    locale: str | None = None
    traits: dict[str, Any] = field(default_factory=dict)


@dataclass
class FakeNeighbours:
    """Answers as profile and as identity; `away` refuses every question."""

    people: dict[int, FakePerson] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    """Who ended in whom, as identity tells it."""
    away: bool = False
    refuses_consents: int = 0
    """The status every consent statement is refused with; 0: none is."""
    asked: int = 0
    withdrawals: list[dict[str, Any]] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def person(self, person_no: int) -> FakePerson:
        return self.people.setdefault(person_no, FakePerson())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            return httpx.Response(503, json={"detail": "away"})
        path = request.url.path
        if path == "/v1/profile/reachability":
            self.asked += 1
            body = msgspec.json.decode(request.content)
            answers = [self._reach(q, body["traits"]) for q in body["questions"]]
            return httpx.Response(200, json={"answers": answers, "watermark": None})
        if path == "/v1/profile/consents":
            if self.refuses_consents:
                return httpx.Response(self.refuses_consents, json={"detail": "refused"})
            statement = msgspec.json.decode(request.content)
            self.withdrawals.append(statement)
            self.person(statement["person_no"]).consent[statement["channel"]] = statement["state"]
            return httpx.Response(201, json={"statement_ids": [str(person_id_of(1))]})
        if path == "/v1/identity/persons/lookup":
            return self._persons(msgspec.json.decode(request.content)["person_ids"])
        if path == "/v1/profile/persons/lookup":
            return self._owners([one["value"] for one in msgspec.json.decode(request.content)["identifiers"]])
        return httpx.Response(404, json={"detail": "no such path"})

    def _reach(self, question: dict[str, Any], traits: list[str]) -> dict[str, Any]:
        person = self.person(question["person_no"])
        channel = question["channel"]
        address = person.addresses.get(channel, f"p{question['person_no']}@{channel}.example")
        return {
            "person_no": question["person_no"],
            "channel": channel,
            "state": person.consent.get(channel, "granted"),
            "by": person.by,
            "address": address,
            "contact_state": person.contact_state,
            "timezone": person.timezone,
            "locale": person.locale,
            "traits": {name: person.traits[name] for name in traits if name in person.traits},
        }

    def _persons(self, texts: list[str]) -> httpx.Response:
        numbers = {str(person_id_of(n)): n for n in self.people}
        asked = [numbers[text] for text in texts if text in numbers]
        present = [(number, self.merged.get(number, number)) for number in asked]
        items = [
            {"person_no": number, "canonical_id": str(person_id_of(living)), "canonical_no": living}
            for number, living in present
        ]
        return httpx.Response(200, json={"items": items})

    def _owners(self, values: list[str]) -> httpx.Response:
        owners = {value: n for n, p in self.people.items() for value in p.addresses.values()}
        items = [{"canonical_id": str(person_id_of(owners[value]))} for value in values if value in owners]
        return httpx.Response(200, json={"items": items})
