"""Generated histories, many beside each other in one workspace, asked of the real store as a round asks.

Every history has definitions and persons of its own, but each definition is asked about everybody. After every step
the members kept up by asking about touched persons alone, and the answer about everybody, are held against the oracle.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pyroaring import BitMap

from services.segment.domain.answer import Reason
from services.segment.domain.moment import Moment
from services.segment.domain.moved import Moved
from services.segment.domain.values import ACCOUNT_PROPERTY, FIRST_KNOWN, GROUP_EVENT
from services.segment.domain.world import LiveSegment, World
from services.segment.store.columnar import Columnar
from services.segment.store.persons import ALIVE, MERGED
from services.segment.store.rows import account_row, event_row, override_row, trait_row
from services.segment.store.scope import Scope
from services.segment.store.slices import moved_between
from services.segment.usecases.answer_apart import answer_apart
from services.segment.usecases.answer_touches import Touched, answer_touches
from services.segment.usecases.insert_blocks import OF_OWNERS
from services.segment.usecases.settle_changes import apply_change
from tests.segment.columnar import parsed
from tests.segment.generated_values import START, ZONES
from tests.segment.history_clock import first_instant, next_instant
from tests.segment.history_strategies import STEPS, History, some_histories
from tests.segment.oracle import Person, When, is_member
from tests.segment.outcome import Outcome


@dataclass
class Source:
    """What is known by one identifier: whom it belongs to, and what was told by it."""

    person: Person
    owner: int
    arrived: list[int] = field(default_factory=list)
    stored_under: set[int] = field(default_factory=set)


class Batch:
    """Histories that are played beside each other."""

    def __init__(self, store: Columnar, workspace_id: int, histories: Sequence[History], chance: random.Random) -> None:
        self.store, self.workspace_id, self.chance = store, workspace_id, chance
        self.zone = chance.choice(ZONES)
        self.now = first_instant(chance)
        self.counter = workspace_id * 1_000_000
        self.lines: dict[str, list[bytes]] = {}
        self.sources: dict[int, Source] = {}
        self.touched: dict[int, list[Reason]] = {}
        self.histories = [(body, self._numbers(persons), steps) for body, persons, steps in histories]
        live = [
            LiveSegment(UUID(int=number), 1, parsed(body))
            for number, (body, _, _) in enumerate(self.histories, start=1)
        ]
        self.world = World(workspace_id, 0, self.now, BitMap(self.sources), {one.segment_id: one for one in live})
        self.bodies = {one.segment_id: body for one, (body, _, _) in zip(live, self.histories, strict=True)}
        self.moved_subjects: Moved | None = None
        self.outcome = Outcome(len(histories), len(histories))

    def _numbers(self, persons: Sequence[Person]) -> list[int]:
        numbers = []
        for person in persons:
            number = len(self.sources) + 1
            numbers.append(number)
            self.sources[number] = Source(Person(known=person.known, number=number, named=person.named), number)
            for name, value in person.traits.items():
                self.tell_trait(number, name, value, since=person.since[name])
            for name, time, props in person.events:
                self.tell_event(number, name, time, props, received=time)
            for account in person.accounts:
                self.link(number, account)
            if person.known is not None:
                self.tell_known(number)
        return numbers

    def count(self) -> int:
        """Return the next number: versions and ids only grow."""
        self.counter += 1
        return self.counter

    def put(self, table: str, line: bytes) -> None:
        """Keep a row for the next block."""
        self.lines.setdefault(table, []).append(line)

    def touch(self, number: int, concern: str) -> None:
        """Note that a person is asked again."""
        self.touched.setdefault(number, []).append(Reason("event", self.now, concern))

    def tell_event(
        self, number: int, name: str, time: datetime, props: dict[str, Any], *, received: datetime | None = None
    ) -> None:
        """Let an event come in by an identifier."""
        source, arrival = self.sources[number], self.count()
        source.stored_under.add(source.owner)
        if name != GROUP_EVENT:
            source.person.events.append((name, time, props))
            source.arrived.append(arrival)
        self.put(
            "event",
            event_row(
                workspace_id=self.workspace_id, name=name, person_no=source.owner, subject_no=number, event_time=time,
                received_at=received or self.now, event_id=UUID(int=arrival), origin="collected", source_id=1,
                properties=props,
            ),
        )  # fmt: skip
        self.touch(source.owner, f"event:{name}")

    def tell_trait(self, number: int, name: str, value: Any, *, since: datetime | None = None) -> None:
        """Let profile say a person's trait; the same value again is no news."""
        person = self.sources[number].person
        if name in person.traits and person.traits[name] == value and type(person.traits[name]) is type(value):
            return
        person.traits[name], person.since[name] = value, since or self.now
        row = trait_row(
            workspace_id=self.workspace_id, name=name, person_no=number, version=self.count(),
            since=person.since[name], value=value,
        )  # fmt: skip
        self.put("trait", row)
        self.touch(number, f"trait:{name}")

    def tell_known(self, number: int) -> None:
        """Lay down since when a person, with those merged into him, is known, and whether he is named."""
        own = [one.person for one in self.sources.values() if one.owner == number]
        since = min(one.known or START for one in own)
        row = trait_row(
            workspace_id=self.workspace_id, name=FIRST_KNOWN, person_no=number, version=self.count(), since=since,
            value=any(one.named for one in own),
        )  # fmt: skip
        self.put("trait", row)

    def link(self, number: int, traits: dict[str, Any]) -> None:
        """Let a group call link a person to an account of its own, and profile say the account's traits."""
        accounts = self.sources[number].person.accounts
        accounts.append({})
        account = f"{number}.{len(accounts) - 1}"
        self.tell_event(number, GROUP_EVENT, self.now, {ACCOUNT_PROPERTY: account})
        for name, value in traits.items():
            self.tell_account(number, len(accounts) - 1, name, value)

    def tell_account(self, number: int, account: int, name: str, value: Any) -> None:
        """Let profile say an account's trait."""
        source = self.sources[number]
        source.person.accounts[account][name] = value
        row = account_row(
            workspace_id=self.workspace_id, account=f"{number}.{account}", name=name, version=self.count(),
            since=self.now, value=value,
        )  # fmt: skip
        self.put("account_trait", row)
        self.touch(source.owner, f"account:{name}")

    def give(self, numbers: Sequence[int], owner: int) -> None:
        """Let identifiers belong to another person, and ask everybody concerned again."""
        losers = {self.sources[number].owner for number in numbers}
        for number in numbers:
            source = self.sources[number]
            self.touch(source.owner, "")
            source.owner = owner
            self.put(
                "override",
                override_row(workspace_id=self.workspace_id, subject_no=number, person_no=owner, version=self.count()),
            )
        self.moved_subjects = Moved()
        self.touch(owner, "")
        for person in {owner, *losers}:
            if self.sources[person].owner == person:
                self.tell_known(person)

    def person(self, number: int) -> Person:
        """Return a person as the oracle sees him: his own traits, and what was told by all his identifiers."""
        own = [one for one in self.sources.values() if one.owner == number]
        events = sorted(
            ((arrival, event) for one in own for arrival, event in zip(one.arrived, one.person.events, strict=True)),
            key=lambda pair: pair[0],
        )
        traits = self.sources[number].person
        return Person(
            traits.traits,
            traits.since,
            [event for _, event in events],
            known=min(one.person.known or START for one in own),
            named=any(one.person.named for one in own),
            number=number,
            accounts=[account for one in own for account in one.person.accounts],
        )

    async def play(self) -> Outcome:
        """Play every step, and compare after each."""
        await self._compare(first=True)
        for step in range(STEPS):
            last, self.now = self.now, next_instant(self.now, self.chance)
            self.touched = {}
            for _, numbers, steps in self.histories:
                self._do(numbers, *steps[step])
            await self._round(last)
            await self._compare()
        return self.outcome

    def _do(self, numbers: Sequence[int], kind: str, *said: Any) -> None:
        if kind == "nothing":
            return
        number = numbers[said[0] % len(numbers)]
        owner = self.sources[number].owner
        match kind:
            case "event":
                self.tell_event(number, said[1], self.now + timedelta(hours=said[2]), said[3])
            case "trait":
                self.tell_trait(owner, said[1], said[2])
            case "when":
                # so near to the present that it depends on where he lives which day it is
                self.tell_trait(owner, "timezone", said[1])
                self.tell_trait(owner, "when", (self.now + timedelta(hours=said[2])).isoformat())
            case "account":
                self._tell_first_account(number, said[1], said[2])
            case "merge":
                self._merge(owner, self.sources[numbers[said[1] % len(numbers)]].owner)
            case "split" if owner != number:
                self.give([number], number)

    def _tell_first_account(self, number: int, name: str, value: Any) -> None:
        if not self.sources[number].person.accounts:
            self.link(number, {})
        self.tell_account(number, 0, name, value)

    def _merge(self, survivor: int, other: int) -> None:
        if other != survivor:
            self.give([one for one, source in self.sources.items() if source.owner == other], survivor)

    async def _round(self, last: datetime) -> None:
        moments = Moment(last, self.zone), Moment(self.now, self.zone)
        # as in a round: whose an event is goes in first, the rest before or after it is asked whom the clock moved
        await self._insert(("event", *OF_OWNERS) if self.chance.random() < 0.5 else OF_OWNERS)
        whose = {"workspace_id": self.workspace_id, "merged": self.moved_subjects}
        moved = await moved_between(self.store, self.world.edges(), **whose, last=moments[0], now=moments[1])
        await self._insert()
        everyone = {*self.touched, *BitMap.union(BitMap(), *moved.values())}
        people = {one: (ALIVE if self.sources[one].owner == one else MERGED, None) for one in everyone}
        under = sorted(
            {number for one in self.sources.values() if one.owner in everyone for number in one.stored_under}
        )
        touched = Touched(self.touched, moved, BitMap(), people, under, self.moved_subjects)
        self.world.universe |= touched.alive
        self.world.universe -= touched.gone
        answered = await answer_touches(self.store, self.world, touched, moments[1])
        if answered.failed:
            raise RuntimeError(answered.failed)
        for change in answered.changes:
            apply_change(change)
        for segment in self.world.segments.values():
            segment.members -= answered.vanished
        self.outcome.questions += len(self.bodies) * len(touched.alive)

    async def _compare(self, *, first: bool = False) -> None:
        await self._insert()
        segments = list(self.world.segments.values())
        universe = BitMap(number for number, source in self.sources.items() if source.owner == number)
        moment, when = Moment(self.now, self.zone), When(self.now, self.zone)
        answers = await answer_apart(
            self.store, segments, moment=moment, scope=Scope(self.workspace_id, self.moved_subjects),
            among=lambda _: universe,
            otherwise=lambda _: BitMap(),
        )  # fmt: skip
        if answers.failed:
            raise RuntimeError(answers.failed)
        persons = {number: self.person(number) for number in universe}
        for segment in segments:
            body, full = self.bodies[segment.segment_id], answers.members[segment.segment_id]
            expected = BitMap(number for number, person in persons.items() if is_member(body, person, when))
            if first:
                segment.members = BitMap(full)
            for how, found in (("in full", full), ("touched", segment.members)):
                self.outcome.differences += [
                    f"{body!r} of {persons.get(number)!r}: {number in expected} expected, asked {how} at {when}"
                    for number in found ^ expected
                ]
        self.outcome.steps += 1
        self.outcome.questions += len(self.bodies) * len(universe)

    async def _insert(self, only: Collection[str] = ()) -> None:
        for table in [table for table in self.lines if table in only or not only]:
            lines = b"\n".join(self.lines.pop(table))
            await self.store.insert(table, lines, token=f"{self.workspace_id}.{self.count()}")


async def play(store: Columnar, workspace_id: int, start: int, number: int) -> Outcome:
    """Play so many generated histories in a workspace of their own; forget its rows afterwards."""
    histories = some_histories(start, number)
    outcome = await Batch(store, workspace_id, histories, random.Random(start)).play()
    outcome.histories = len(histories)
    return outcome
