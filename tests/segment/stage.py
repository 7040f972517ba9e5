"""A segment service with its neighbours' events made by hand, under a driven clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import msgspec

from libs.common.bus.port import WORKSPACE_HEADER, Outgoing, Published
from libs.common.contracts.event import Event
from libs.common.contracts.identity.event_recorded import EventRecorded
from libs.common.contracts.identity.ownership_changed import OwnershipChanged
from libs.common.contracts.identity.person_created import PersonCreated
from libs.common.contracts.identity.person_erased import PersonErased
from libs.common.contracts.identity.person_merged import Absorbed, PersonMerged
from libs.common.contracts.identity.person_split import Part, PersonSplit
from libs.common.contracts.profile.account_changed import AccountChanged
from libs.common.contracts.profile.trait_changed import TraitChanged
from libs.common.contracts.profile.trait_declared import TraitDeclared
from libs.common.contracts.segment.membership_entered import MembershipEntered
from libs.common.contracts.segment.membership_exited import MembershipExited
from libs.common.db import statement
from libs.common.ids import new_id
from libs.common.outbox.rows import group
from tests.fixtures.apps import House, ServiceApp

WORKSPACE = 1
_counter = count(1)


@dataclass
class Stage:
    """Says what identity and profile would say, and reads what segment says."""

    app: ServiceApp
    names: dict[str, int] = field(default_factory=dict)
    ids: dict[str, UUID] = field(default_factory=dict)
    versions: int = 0
    told: int = 0

    @property
    def now(self) -> datetime:
        return self.app.runtime.now(WORKSPACE)

    async def say(self, *events: Event) -> None:
        """Let identity, profile or messaging say events on the bus, and wait until all is done."""
        messages = [
            Outgoing(
                f"{row.subject}.{row.pp}", row.payload, f"said {next(_counter)}", {WORKSPACE_HEADER: str(WORKSPACE)}
            )
            for row in group(events)
        ]
        answers = await self.app.runtime.bus.publish(messages)
        assert all(isinstance(answer, Published) for answer in answers), answers
        await self.app.drain(WORKSPACE)

    def person(self, name: str) -> int:
        """Return a person's number, the same for the same name."""
        self.ids.setdefault(name, new_id())
        return self.names.setdefault(name, len(self.names) + 1)

    def name_of(self, person_no: int) -> str:
        return next(name for name, number in self.names.items() if number == person_no)

    def version(self) -> int:
        self.versions += 1
        return self.versions

    async def create(self, *names: str) -> None:
        await self.say(
            *[
                PersonCreated(
                    workspace_id=WORKSPACE, person_no=self.person(name), person_id=self.ids[name],
                    graph_version=self.version(), received_at=self.now, occurred_at=self.now,
                )
                for name in names
            ]
        )  # fmt: skip

    def recorded(
        self,
        name: str,
        event: str,
        props: dict[str, Any] | None = None,
        *,
        at: datetime | None = None,
        subject: int = 0,
    ) -> EventRecorded:
        number = self.person(name)
        return EventRecorded(
            workspace_id=WORKSPACE, person_no=number, person_id=self.ids[name], subject_no=subject or 1000 + number,
            identifier_nos=(subject or 1000 + number,), kind="track", name=event, source_id=1,
            message_id=str(new_id()), properties=msgspec.Raw(msgspec.json.encode(props or {})),
            received_at=self.now, occurred_at=at or self.now,
        )  # fmt: skip

    async def event(self, name: str, event: str, props: dict[str, Any] | None = None, **more: Any) -> None:
        await self.say(self.recorded(name, event, props, **more))

    async def trait(
        self, name: str, trait: str, value: Any, *, since: datetime | None = None, personal: bool = False,
        silent: bool = False,
    ) -> None:  # fmt: skip
        sealed = self.app.runtime.sealer(WORKSPACE).seal_json(value) if personal else None
        await self.say(
            TraitChanged(
                workspace_id=WORKSPACE, person_no=self.person(name), name=trait, version=self.version(),
                since=since or self.now, value=msgspec.Raw(b"null" if personal else msgspec.json.encode(value)),
                sealed=sealed, removed=value is None, silent=silent, received_at=self.now, occurred_at=self.now,
            )
        )  # fmt: skip

    async def group(self, name: str, account: str, *, subject: int = 0) -> None:
        """Let a group call link a person to an account."""
        call = msgspec.structs.replace(self.recorded(name, "$group", subject=subject), kind="group", group_id=account)
        await self.say(call)

    async def account(self, account: str, trait: str, value: Any, *, personal: bool = False) -> None:
        """Let profile say what an account's trait is."""
        sealed = self.app.runtime.sealer(WORKSPACE).seal_json(value) if personal else None
        await self.say(
            AccountChanged(
                workspace_id=WORKSPACE, account=account, name=trait, version=self.version(), since=self.now,
                value=msgspec.Raw(b"null" if personal else msgspec.json.encode(value)), sealed=sealed,
                removed=value is None, received_at=self.now, occurred_at=self.now,
            )
        )  # fmt: skip

    async def declare(self, trait: str, type_: str | None) -> None:
        """Let profile say of which type a trait is."""
        await self.say(
            TraitDeclared(
                workspace_id=WORKSPACE, name=trait, type=type_, version=self.version(), received_at=self.now,
                occurred_at=self.now,
            )
        )  # fmt: skip

    async def merge(self, survivor: str, *absorbed: str) -> None:
        await self.say(
            PersonMerged(
                workspace_id=WORKSPACE, person_no=self.person(survivor), person_id=self.ids[survivor],
                absorbed=tuple(Absorbed(self.person(name), self.ids[name]) for name in absorbed),
                graph_version=self.version(), received_at=self.now, occurred_at=self.now,
            )
        )  # fmt: skip

    async def split(self, remaining: str, part: str, *subjects: int, revived: bool = True) -> None:
        await self.say(
            PersonSplit(
                workspace_id=WORKSPACE, person_no=self.person(remaining), person_id=self.ids[remaining],
                parts=(Part(self.person(part), self.ids[part], tuple(subjects), revived),),
                graph_version=self.version(), received_at=self.now, occurred_at=self.now,
            )
        )  # fmt: skip

    async def erase(self, name: str) -> None:
        number = self.person(name)
        await self.say(
            PersonErased(
                workspace_id=WORKSPACE, person_no=number, person_id=self.ids[name], subject_nos=(1000 + number,),
                erasure_id=new_id(), graph_version=self.version(), received_at=self.now, occurred_at=self.now,
            )
        )  # fmt: skip

    async def own(
        self,
        subject: int,
        name: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        namespace: str = "user_id",
    ) -> None:
        await self.say(
            OwnershipChanged(
                workspace_id=WORKSPACE, person_no=self.person(name), person_id=self.ids[name], subject_no=subject,
                version=self.version(), namespace=namespace, received_at=self.now, occurred_at=self.now,
                since=since, until=until,
            )
        )  # fmt: skip

    async def segment(self, definition: object, *, name: str = "s", state: str = "live") -> str:
        body = {"name": name, "definition": definition, "state": state}
        answer = await self.app.client.post("/v1/segment/segments", json=body)
        assert answer.status_code == 201, answer.text
        await self.app.drain(WORKSPACE)
        return str(answer.json()["segment_id"])

    async def members(self, segment_id: str) -> set[str]:
        answer = await self.app.client.get(f"/v1/segment/segments/{segment_id}/members")
        assert answer.status_code == 200, answer.text
        return {self.name_of(item["person_no"]) for item in answer.json()["items"]}

    async def ask(self, person: str, **subject: Any) -> bool:
        body = {"person_nos": [self.person(person)], **subject}
        answer = await self.app.client.post("/v1/segment/questions/membership", json=body)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["person_nos"])

    async def preview(self, definition: object) -> dict[str, Any]:
        answer = await self.app.client.post("/v1/segment/preview", json={"definition": definition})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def clock(self, to: datetime) -> None:
        await self.app.advance_to(to, WORKSPACE)

    async def pass_time(self, **span: float) -> None:
        await self.clock(self.now + timedelta(**span))

    async def changes(self) -> list[tuple[str, str, str, str]]:
        """Return (segment, person, entered or exited, cause) told since the last call, in order."""
        async with self.app.runtime.worker_database.transaction(WORKSPACE) as tx:
            rows = await tx.fetch(
                statement("select log_id, subject, payload from outbox_log where log_id > :told order by log_id"),
                told=self.told,
            )
        found = []
        for row in rows:
            self.told = row["log_id"]
            if not row["subject"].startswith(("segment.membership.entered.", "segment.membership.exited.")):
                continue
            contract = MembershipEntered if "entered" in row["subject"] else MembershipExited
            for line in bytes(row["payload"]).splitlines():
                event = msgspec.json.decode(line, type=contract)
                word = "entered" if contract is MembershipEntered else "exited"
                found.append((str(event.segment_id), self.name_of(event.person_no), word, event.cause))
        return found

    async def assert_no_drift(self) -> None:
        """Compare every live segment's bitmap with a full question put to the columnar store."""
        runtime = self.app.runtime
        answer = await self.app.client.get("/v1/segment/segments")
        for item in answer.json()["items"]:
            if item["state"] != "live" or item["definition"] == {"manual_only": True}:
                continue
            previewed = await self.preview(item["definition"])
            members = await self.members(item["segment_id"])
            assert previewed["count"] == len(members) == item["size"], (item, previewed, members)
        assert runtime.parts.worlds


def _names_nothing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200 if "segment" in request.url.params else 404, json={"items": [], "next_cursor": None})


async def a_stage(house: House) -> Stage:
    """Return a segment service on stage."""
    for owner in ("identity", "profile", "segment", "journey", "messaging"):
        await house.bus.ensure_stream(owner)
    for neighbour in ("profile", "journey"):  # unless a test starts them
        house.transports.setdefault(neighbour, httpx.MockTransport(_names_nothing))
    return Stage(await house.start("segment"))
