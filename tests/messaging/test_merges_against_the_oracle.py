"""Any sequence of asking, sending, unsubscribing, merging and undoing leaves the rows where plain bags would be."""

import os
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from libs.common.sides import Departure, Pointer
from services.messaging.domain.channel import Accepted, Capabilities
from services.messaging.domain.intent import Take
from services.messaging.domain.policy import Cap, Policy, Rolling
from services.messaging.store.inbox_messages import InboxRow, add_inbox_messages, pull_inbox
from services.messaging.store.intents import NewIntent, load_intents
from services.messaging.store.persons import pending_withdrawals, spent_slots
from services.messaging.store.queue import Claim
from services.messaging.store.workspaces import present
from services.messaging.usecases.accept_intents import accept_intents
from services.messaging.usecases.decide_intents import decide_intents
from services.messaging.usecases.follow_graph import follow_graph
from services.messaging.usecases.prepared import Prepared
from services.messaging.usecases.settle_handoffs import Ended, settle_outcomes
from services.messaging.usecases.unsubscribe_person import unsubscribe_person
from tests.conftest import DatabaseOf
from tests.fixtures.postgres import ServiceDatabase
from tests.messaging.oracle import CAP, Letter, People

EXAMPLES = int(os.environ.get("RAPPORT_EXAMPLES", "16"))
PERSONS = 5
POLICY = Policy(caps=(Cap("most", CAP, Rolling(timedelta(days=1))),))
SEALER = Sealer({1: b"k" * 32})
JOURNEY = new_id()
CAPABILITIES = {"inbox": Capabilities(needs_address=False)}
TABLES = ("intent", "intent_queue", "reservation", "inbox_message", "withdrawal", "handoff", "step")
workspaces = count(100)
keen = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
drawn = st.integers(0, 1000)
acts = st.tuples(
    st.sampled_from(["ask", "ask", "send", "send", "send", "refuse", "merge", "merge", "undo", "part", "again"]),
    drawn, drawn, drawn,
)  # fmt: skip


class Both:
    """The store and the oracle, told the same."""

    def __init__(self, database: ServiceDatabase) -> None:
        self.database, self.workspace_id = database, next(workspaces)
        self.people, self.version = People(PERSONS), 0
        self.ids: dict[int, UUID] = {}
        self.news: list[tuple[list[Pointer], list[Departure]]] = []
        self.is_deaf = False
        """Whether the store hears nothing for now."""

    def letters(self) -> list[Letter]:
        return [letter for bag in self.people.living.values() for letter in bag.all_letters()]

    def any_of(self, numbers: Sequence[int], chance: int) -> int:
        return sorted(numbers)[chance % len(numbers)]

    async def ask(self, who: int, node: int, subject: int) -> None:
        """For any number, also one that has ended; by an identifier of whoever he is now, or nobody knows which."""
        number = self.any_of(list(self.people.bags), who)
        living = self.people.who_is(number)
        subject_no = self.any_of([0, *self.people.living[living].all_subjects()], subject)
        letter = Letter(len(self.ids) + 1, "ab"[node % 2], subject_no)
        self.people.ask(number, letter)
        intent_id = self.ids[letter.number] = new_id()
        async with self.database.worker.transaction(self.workspace_id) as tx:
            now = await present(tx, self.workspace_id)
            intent = NewIntent(
                intent_id=intent_id, idempotency_key=str(intent_id), person_no=living, side_no=number,
                subject_no=subject_no, person_id=None, origin="journey", journey_id=JOURNEY, node=letter.node,
                channels=("inbox",), requested_at=now, received_at=now, due_at=now, expires_at=now + timedelta(days=1),
            )  # fmt: skip
            assert await accept_intents(tx, self.workspace_id, [intent], policy=POLICY, now=now) == {intent_id}

    async def send(self, which: int, how_many: int, _: int) -> None:
        waiting = [letter.number for letter in self.letters() if letter.state == "waiting"]
        if not waiting:
            return
        numbers = {self.any_of(waiting, which + step) for step in range(1 + how_many % len(waiting))}
        async with self.database.worker.transaction(self.workspace_id) as tx:
            prepared = [await self._claimed(tx, self.ids[number]) for number in sorted(numbers)]
            leaving = await decide_intents(
                tx, self.workspace_id, prepared, policy=POLICY, sealer=SEALER, lease_seconds=60
            )
            now = await present(tx, self.workspace_id)
            rows = [
                InboxRow(
                    workspace_id=self.workspace_id, intent_id=p.intent.intent_id, person_no=p.intent.person_no,
                    content_sealed="", created_at=now, expires_at=None,
                )
                for p, _attempt in leaving
            ]  # fmt: skip
            await add_inbox_messages(tx, rows)
            ended = [Ended(p.stored, "inbox", attempt, Accepted("")) for p, attempt in leaving]
            await settle_outcomes(tx, self.workspace_id, ended, capabilities=CAPABILITIES)
        self.people.send(numbers)

    async def _claimed(self, tx: Tx, intent_id: UUID) -> Prepared:
        row = await tx.driver.fetchrow(
            "update intent_queue set available_at = clock_timestamp() + interval '1 minute'"
            " where workspace_id = $1 and intent_id = $2 returning due_at, available_at",
            self.workspace_id, intent_id,
        )  # fmt: skip
        assert row is not None
        [stored] = await load_intents(tx, self.workspace_id, [intent_id])
        claim = Claim(self.workspace_id, intent_id, row["due_at"], row["available_at"])
        return Prepared(claim, stored, Take("inbox"), ZoneInfo("UTC"))

    async def refuse(self, which: int, *_: int) -> None:
        sent = [letter for letter in self.letters() if letter.state == "sent"]
        if not sent:
            return
        letter = sent[which % len(sent)]
        letter.state = "unsubscribed"
        async with self.database.worker.transaction(self.workspace_id) as tx:
            now = await present(tx, self.workspace_id)
            assert await unsubscribe_person(
                tx, self.workspace_id, self.ids[letter.number], "inbox", withdrawal_id=new_id(), now=now
            )

    async def merge(self, one: int, other: int, _: int) -> None:
        if len(self.people.living) < 2:
            return
        survivor = self.any_of(list(self.people.living), one)
        absorbed = self.any_of([number for number in self.people.living if number != survivor], other)
        self.people.merge(survivor, absorbed)
        self.version += 1
        await self.hear([Pointer(survivor, 0, self.version), Pointer(absorbed, survivor, self.version)], [])

    async def undo(self, which: int, *_: int) -> None:
        if not self.people.ended():
            return
        back = self.any_of(self.people.ended(), which)
        left, subject_nos = self.people.undo(back)
        self.version += 1
        await self.hear([Pointer(back, 0, self.version)], [Departure(left, back, frozenset(subject_nos))])

    async def part(self, who: int, which: int, _: int) -> None:
        person = self.any_of(list(self.people.living), who)
        held = self.people.living[person].all_subjects()
        if len(held) < 2:
            return
        subject_no, newcomer = self.any_of(list(held), which), len(self.people.bags) + 1
        self.people.part(person, newcomer, subject_no)
        self.version += 1
        await self.hear([Pointer(newcomer, 0, self.version)], [Departure(person, newcomer, frozenset({subject_no}))])

    async def again(self, which: int, *_: int) -> None:
        """A merge is heard a second time, whatever became of it since."""
        merges = [pointers for pointers, departures in self.news if not departures]
        if merges:
            await self.follow(merges[which % len(merges)], [])

    async def hear(self, pointers: list[Pointer], departures: list[Departure]) -> None:
        self.news.append((pointers, departures))
        if not self.is_deaf:
            await self.follow(pointers, departures)

    async def follow(self, pointers: list[Pointer], departures: list[Departure]) -> None:
        async with self.database.worker.transaction(self.workspace_id) as tx:
            await follow_graph(tx, self.workspace_id, pointers, departures)

    async def agree(self) -> None:
        """Compare the ledger, the queue, the slots, the inbox and the unsubscriptions of everybody who lives."""
        async with self.database.worker.transaction(self.workspace_id) as tx:
            living = list(self.people.living)
            now = await present(tx, self.workspace_id)
            slots = await spent_slots(tx, self.workspace_id, living, now - timedelta(days=1))
            refused = await pending_withdrawals(tx, self.workspace_id, living)
            rows = await tx.driver.fetch(
                "select i.person_no, i.intent_id, q.step, case i.state when 'dropped' then i.reason else i.state end"
                " from intent i left join intent_queue q using (workspace_id, intent_id) where i.workspace_id = $1",
                self.workspace_id,
            )
            kept = {(person_no, intent_id, step, state) for person_no, intent_id, step, state in rows}
            words = {"waiting": ("send", "queued")}
            assert kept == {
                (person_no, self.ids[letter.number], *words.get(letter.state, (None, letter.state)))
                for person_no, bag in self.people.living.items()
                for letter in bag.all_letters()
            }
            for person_no, bag in self.people.living.items():
                sent = {self.ids[letter.number] for letter in bag.all_letters() if letter.has_left}
                assert {slot.intent_id for slot in slots.get(person_no, ())} == sent
                shown = await pull_inbox(tx, self.workspace_id, person_no, now=now, limit=100, before=None)
                assert {entry.intent_id for entry in shown} == sent
                assert bool(refused.get(person_no)) == any(
                    letter.state == "unsubscribed" for letter in bag.all_letters()
                )

    async def dump(self) -> dict[str, list[str]]:
        async with self.database.worker.transaction(self.workspace_id) as tx:
            return {
                table: [
                    row["line"]
                    for row in await tx.driver.fetch(
                        f"select t::text as line from {table} t where workspace_id = $1 order by 1", self.workspace_id
                    )
                ]
                for table in TABLES
            }


@pytest_asyncio.fixture
async def database(database_of: DatabaseOf) -> ServiceDatabase:
    """One for all examples, each in a workspace of its own."""
    return await database_of("messaging")


@keen
@given(asked=st.lists(st.tuples(drawn, drawn, drawn), min_size=5, max_size=8), history=st.lists(acts, max_size=20))
async def test_any_history_ends_where_the_bags_say(
    database: ServiceDatabase, asked: list[tuple[int, int, int]], history: list[tuple[str, int, int, int]]
) -> None:
    both = Both(database)
    for letter in asked:
        await both.ask(*letter)
    for act, *chances in history:
        await getattr(both, act)(*chances)
    await both.agree()
    while both.people.ended():
        await both.undo(both.version)
        await both.agree()


@keen
@given(
    asked=st.lists(st.tuples(st.integers(1, PERSONS), drawn, st.booleans()), min_size=1, max_size=10),
    merges=st.lists(st.tuples(drawn, drawn), min_size=1, max_size=8),
    undone=st.lists(drawn, min_size=PERSONS, max_size=PERSONS),
)
async def test_merges_and_their_undoing_leave_every_row_as_it_was(
    database: ServiceDatabase, asked: list[tuple[int, int, bool]], merges: list[tuple[int, int]], undone: list[int]
) -> None:
    both = Both(database)
    for number, node, is_known in asked:
        await both.ask(number - 1, node, int(is_known))
    await both.send(asked[0][1], asked[-1][1], 0)
    await both.refuse(0)
    before = await both.dump()
    for one, other in merges:
        await both.merge(one, other, 0)
    for which in undone:
        await both.undo(which)
    assert not both.people.ended()
    assert await both.dump() == before


@keen
@given(
    merges=st.lists(st.tuples(st.sampled_from(["merge", "merge", "undo"]), drawn, drawn), min_size=2, max_size=12),
    random=st.randoms(use_true_random=False),
)
async def test_news_in_any_order_in_any_cut_and_repeated_end_where_the_bags_say(
    database: ServiceDatabase, merges: list[tuple[str, int, int]], random: Random
) -> None:
    both = Both(database)
    for number in range(PERSONS):
        await both.ask(number, number, 0)
    both.is_deaf = True
    for act, *chances in merges:
        await getattr(both, act)(*chances, 0)
    told = both.news + random.sample(both.news, len(both.news) // 2)
    random.shuffle(told)
    while told:
        cut = [told.pop() for _ in range(random.randint(1, len(told)))]
        await both.follow(
            [p for pointers, _ in cut for p in pointers], [d for _, departures in cut for d in departures]
        )
    await both.agree()
