"""A columnar store of the test's own, filled without PostgreSQL."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from clickhouse_connect.driver.client import Client

from libs.common.ids import new_id
from services.profile.domain.consent import Scope, Statement
from services.profile.domain.consent_outlook import outlooks
from services.profile.domain.keys import PersonKey
from services.profile.domain.tag import Held
from services.profile.store.consents import Published
from services.profile.store.tag_facts import TagKey
from services.profile.usecases.refold_consents import consent_said
from services.profile.usecases.say_tags import tag_said
from services.segment.conditions.catalogue import grammar
from services.segment.domain.definition import Definition, parse_definition
from services.segment.domain.fact import row_name
from services.segment.domain.values import ACCOUNT_PROPERTY, FIRST_KNOWN, GROUP_EVENT
from services.segment.store.columnar import Columnar
from services.segment.store.rows import account_row, event_row, trait_row
from services.segment.subscribers.on_consent_changed import fact_of
from services.segment.subscribers.on_tag_changed import fact_of as fact_of_tag
from tests.segment.oracle import Person

MASTER_KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SINCE = datetime(2020, 1, 1, tzinfo=UTC)
START = datetime(2024, 2, 26, 12, 0, tzinfo=UTC)


class LongCall:
    """A call that takes as long as the test wants."""

    def __init__(self) -> None:
        self._begun, self._end = Event(), Event()
        self.is_done = False

    async def run(self, store: Columnar) -> None:
        """Run over a handle until told to end."""
        await store._call(self._stay)

    def _stay(self, _: Client) -> None:
        self._begun.set()
        assert self._end.wait(120)
        self.is_done = True

    async def begun(self) -> None:
        """Return once it has its handle."""
        assert await asyncio.to_thread(self._begun.wait, 60)

    def is_begun(self) -> bool:
        """Tell whether it has its handle."""
        return self._begun.is_set()

    def end(self) -> None:
        """Let it come to its end."""
        self._end.set()


@asynccontextmanager
async def a_columnar_store(directory: Path) -> AsyncIterator[Columnar]:
    """Give an empty store; closed with the block."""
    store = await Columnar.open(f"chdb://{directory / 'columnar'}", master_key=MASTER_KEY)
    try:
        yield store
    finally:
        await store.close()


async def put(store: Columnar, workspace_id: int, persons: Mapping[int, Person]) -> None:
    """Insert persons with their traits and events."""
    events, traits, accounts = [], [], []
    for person_no, person in persons.items():
        for name, time, properties in person.events:
            events.append(
                event_row(
                    workspace_id=workspace_id, name=name, person_no=person_no, subject_no=person_no, event_time=time,
                    received_at=time, event_id=new_id(), origin="collected", source_id=1, properties=properties,
                )
            )  # fmt: skip
        person.number = person_no
        if person.known is not None:
            traits.append(
                trait_row(
                    workspace_id=workspace_id, name=FIRST_KNOWN, person_no=person_no, version=1, since=person.known,
                    value=person.named,
                )
            )  # fmt: skip
        for name, value in person.traits.items():
            traits.append(
                trait_row(
                    workspace_id=workspace_id, name=name, person_no=person_no, version=1,
                    since=person.since.get(name, SINCE), value=value,
                )
            )  # fmt: skip
        traits += consent_rows(workspace_id, person_no, person)
        traits += tag_rows(workspace_id, person_no, person)
        for channel in person.channels:
            name = row_name("reachable", channel)
            row = trait_row(
                workspace_id=workspace_id, name=name, person_no=person_no, version=1, since=START, value=True
            )
            traits.append(row)
        add_accounts(workspace_id, person_no, person, events, accounts)
    for table, lines in (("event", events), ("trait", traits), ("account_trait", accounts)):
        if lines:
            await store.insert(table, b"\n".join(lines), token=f"{new_id()}")


def tag_rows(workspace_id: int, person_no: int, person: Person) -> list[bytes]:
    """Return the rows of what profile says of a person's tags at the beginning, as the service lays them down."""
    rows = []
    for tag, until in person.tags.items():
        said = tag_said(
            TagKey(workspace_id, person_no, tag), Held("manual", START, 1, START, until), 1, received_at=START
        )
        fact = fact_of_tag(said)
        name = row_name(fact.kind, fact.name)
        rows.append(
            trait_row(
                workspace_id=workspace_id, name=name, person_no=person_no, version=1, since=START, value=fact.value
            )
        )
    return rows


def consent_rows(workspace_id: int, person_no: int, person: Person) -> list[bytes]:
    """Return the rows of what profile says of a person's consent at the beginning, as the service lays them down."""
    ledger = {
        number: [
            Statement(new_id(), Scope(*word.scope), "granted" if word.yes else "denied", word.at, word.expires)
            for word in said
        ]
        for number, said in person.consents.items()
    }
    key = PersonKey(workspace_id, person_no)
    facts = [
        fact_of(consent_said(key, scope, Published(outlook, 1), received_at=START))
        for scope, outlook in outlooks(ledger, START).items()
    ]
    return [
        trait_row(
            workspace_id=workspace_id, name=row_name(fact.kind, fact.name), person_no=person_no, version=fact.version,
            since=fact.since, value=fact.value,
        )
        for fact in facts
    ]  # fmt: skip


def add_accounts(workspace_id: int, person_no: int, person: Person, events: list[bytes], accounts: list[bytes]) -> None:
    """Add the rows that link a person to accounts of his own, and those of the accounts' traits."""
    for number, held in enumerate(person.accounts):
        account = f"{person_no}.{number}"
        events.append(
            event_row(
                workspace_id=workspace_id, name=GROUP_EVENT, person_no=person_no, subject_no=person_no,
                event_time=SINCE, received_at=SINCE, event_id=new_id(), origin="collected", source_id=1,
                properties={ACCOUNT_PROPERTY: account},
            )
        )  # fmt: skip
        accounts += [
            account_row(workspace_id=workspace_id, account=account, name=name, version=1, since=SINCE, value=value)
            for name, value in held.items()
        ]


def parsed(body: Any) -> Definition:
    """Return a definition parsed."""
    return parse_definition(body, grammar())
