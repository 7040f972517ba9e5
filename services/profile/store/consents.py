"""The consent ledger, what was last published of it, and the workspace's defaults."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.consent import ConsentState, Scope, Statement
from services.profile.domain.consent_outlook import Outlook
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.ownership import held_then
from services.profile.store.columns import columns
from services.profile.store.ownership import ownership_facts


class NewLine(NamedTuple):
    """A line of the ledger; exactly one of subject_no, person_no (every identifier he held then) and lookup is set."""

    workspace_id: int
    statement_id: UUID
    event_id: UUID
    subject_no: int
    person_no: int
    lookup: bytes | None
    purpose: str
    channel: str
    topic: str
    state: str
    event_time: datetime
    received_at: datetime
    expires_at: datetime | None
    source: str
    source_id: int
    legal_basis: str
    text_version: str
    text_hash: str
    actor: str
    proof: bytes | None


class Line(NamedTuple):
    """A line as it is shown: what was said, on which ground, by whom, with which proof."""

    statement_id: UUID
    scope: Scope
    state: str
    event_time: datetime
    received_at: datetime
    expires_at: datetime | None
    source: str
    legal_basis: str
    text_version: str
    text_hash: str
    actor: str
    proof: bytes | None
    identifiers: int


class Published(NamedTuple):
    """What was last said of a person's consent in a scope, and the counter it was said under."""

    outlook: Outlook
    version: int

    @property
    def state(self) -> ConsentState:
        """Return the answer."""
        return self.outlook.state

    @property
    def since(self) -> datetime:
        """Return since when it holds."""
        return self.outlook.since


ByIdentifier = dict[int, list[Statement]]
"""identifier number -> the lines about it."""

_ADD = load_sql(__file__, "add_consents.sql")
_NAMES = (
    "workspace_ids", "statement_ids", "event_ids", "subject_nos", "person_nos", "lookups", "purposes", "channels",
    "topics", "states", "event_times", "received", "expiries", "sources", "source_ids", "legal_bases", "text_versions",
    "text_hashes", "actors", "proofs",
)  # fmt: skip
_OF_PERSONS = load_sql(__file__, "consents_of_persons.sql")
_ONCE_HELD = load_sql(__file__, "present_owners_of_once_held.sql")
_DEFAULTS = (
    "select purpose, channel, opt_out from consent_default where workspace_id = :workspace_id order by purpose, channel"
)
_CLEAR_DEFAULTS = "delete from consent_default where workspace_id = :workspace_id"
_DECLARE = """
insert into consent_default (workspace_id, purpose, channel, opt_out)
select :workspace_id, * from unnest(:purposes::text[], :channels::text[], :opt_outs::boolean[])
"""
_COUNT_POLICY = """
insert into consent_policy as p (workspace_id, version, declared_at) values (:workspace_id, 1, :declared_at)
on conflict (workspace_id) do update set version = p.version + 1, declared_at = excluded.declared_at
returning version
"""
_POLICY = "select version, declared_at from consent_policy where workspace_id = :workspace_id"
_PUBLISHED = """
select c.* from consent_state c
join unnest(:workspace_ids::int[], :person_nos::int[]) k (workspace_id, person_no) using (workspace_id, person_no)
"""
_PUBLISH = """
insert into consent_state (
    workspace_id, person_no, purpose, channel, topic, state, since, until, after, is_named, version
)
select * from unnest(:workspace_ids::int[], :person_nos::int[], :purposes::text[], :channels::text[], :topics::text[],
    :states::text[], :sinces::timestamptz[], :untils::timestamptz[], :afters::text[], :named::boolean[],
    :versions::bigint[])
on conflict (workspace_id, person_no, purpose, channel, topic) do update set
    state = excluded.state, since = excluded.since, until = excluded.until, after = excluded.after,
    is_named = excluded.is_named, version = excluded.version
"""
_UNPUBLISH = """
delete from consent_state c
using unnest(:workspace_ids::int[], :person_nos::int[], :purposes::text[], :channels::text[], :topics::text[])
    k (workspace_id, person_no, purpose, channel, topic)
where (c.workspace_id, c.person_no, c.purpose, c.channel, c.topic)
    = (k.workspace_id, k.person_no, k.purpose, k.channel, k.topic)
"""


async def add_lines(tx: Tx, lines: Collection[NewLine]) -> None:
    """Append to the ledger; the same statement twice is one."""
    if lines:
        await tx.execute(_ADD, **columns(_NAMES, lines))


async def consents_of_persons(tx: Tx, persons: Iterable[PersonKey]) -> dict[PersonKey, ByIdentifier]:
    """Return the ledger lines that speak about each person's present identifiers, by identifier."""
    found: dict[PersonKey, ByIdentifier] = {}
    for record in await _lines_about(tx, persons):
        lines = found.setdefault(PersonKey(record["workspace_id"], record["owner_no"]), {})
        lines.setdefault(record["identifier_no"], []).append(_statement(record))
    return found


async def _lines_about(tx: Tx, persons: Iterable[PersonKey]) -> list[Record]:
    """Return the lines per identifier; those about all that a person held only where he held it then.

    In doubt a denial reaches further than a grant.
    """
    keys = columns(("workspace_ids", "person_nos"), sorted(set(persons)))
    records = await tx.fetch(_OF_PERSONS, **keys)
    aimed = {SubjectKey(r["workspace_id"], r["identifier_no"]) for r in records if r["aim_no"]}
    facts = await ownership_facts(tx, aimed) if aimed else {}
    return [
        record
        for record in records
        if not record["aim_no"]
        or held_then(
            facts[SubjectKey(record["workspace_id"], record["identifier_no"])],
            record["aim_no"],
            record["received_at"],
            surely=record["state"] == "granted",
        )
    ]


async def present_owners_of_once_held(tx: Tx, people: Iterable[PersonKey]) -> set[PersonKey]:
    """Return who owns now the identifiers that these persons ever owned."""
    keys = columns(("workspace_ids", "person_nos"), sorted(set(people)))
    return {PersonKey(*record) for record in await tx.fetch(_ONCE_HELD, **keys)}


async def lines_of_person(tx: Tx, workspace_id: int, person_no: int, limit: int) -> list[Line]:
    """Return the newest statements about a person's present identifiers with their proofs; one a statement."""
    said: dict[tuple[UUID, Scope], tuple[Record, set[int]]] = {}
    for r in await _lines_about(tx, [PersonKey(workspace_id, person_no)]):
        key = r["event_id"], Scope(r["purpose"], r["channel"], r["topic"])
        said.setdefault(key, (r, set()))[1].add(r["identifier_no"])
    newest = sorted(said.items(), key=lambda item: (item[1][0]["event_time"], item[0][0].bytes), reverse=True)
    return [
        Line(
            event_id, scope, r["state"], r["event_time"], r["received_at"], r["expires_at"], r["source"],
            r["legal_basis"], r["text_version"], r["text_hash"], r["actor"], r["proof"], len(identifiers),
        )
        for (event_id, scope), (r, identifiers) in newest[:limit]
    ]  # fmt: skip


async def load_defaults(tx: Tx, workspace_id: int) -> dict[tuple[str, str], bool]:
    """Return which (purpose, channel) the workspace declared opt-out (True) or opt-in (False)."""
    records = await tx.fetch(statement(_DEFAULTS), workspace_id=workspace_id)
    return {(r["purpose"], r["channel"]): r["opt_out"] for r in records}


async def last_declared(tx: Tx, workspace_id: int) -> tuple[int, datetime] | None:
    """Return the version of the declarations and when they were made; None before the first."""
    record = await tx.fetch_one(statement(_POLICY), workspace_id=workspace_id)
    return (record["version"], record["declared_at"]) if record is not None else None


async def declare_defaults(
    tx: Tx, workspace_id: int, declared: Mapping[tuple[str, str], bool], *, declared_at: datetime
) -> int:
    """Replace the workspace's declarations; return their version."""
    version: int = await tx.fetch_value(statement(_COUNT_POLICY), workspace_id=workspace_id, declared_at=declared_at)
    await tx.execute(statement(_CLEAR_DEFAULTS), workspace_id=workspace_id)
    rows = [(purpose, channel, opt_out) for (purpose, channel), opt_out in sorted(declared.items())]
    arrays = columns(("purposes", "channels", "opt_outs"), rows)
    await tx.execute(statement(_DECLARE), workspace_id=workspace_id, **arrays)
    return version


async def load_published(tx: Tx, persons: Iterable[PersonKey]) -> dict[PersonKey, dict[Scope, Published]]:
    """Return what was last published of these locked persons' consent."""
    keys = columns(("workspace_ids", "person_nos"), sorted(set(persons)))
    found: dict[PersonKey, dict[Scope, Published]] = {}
    for r in await tx.fetch(statement(_PUBLISHED), **keys):
        states = found.setdefault(PersonKey(r["workspace_id"], r["person_no"]), {})
        outlook = Outlook(r["state"], r["since"], r["until"], r["after"], r["is_named"])
        states[Scope(r["purpose"], r["channel"], r["topic"])] = Published(outlook, r["version"])
    return found


async def published_of_persons(
    tx: Tx, workspace_id: int, person_nos: Collection[int]
) -> dict[int, dict[Scope, Published]]:
    """Return what was last published of persons' consent, by number and scope that a statement names."""
    found = await load_published(tx, [PersonKey(workspace_id, number) for number in person_nos])
    return {
        person.person_no: {scope: said for scope, said in sorted(states.items()) if said.outlook.is_named}
        for person, states in found.items()
    }


async def save_published(tx: Tx, states: Iterable[tuple[PersonKey, Scope, Published]]) -> None:
    """Keep what is published now."""
    ordered = sorted(states, key=lambda said: said[:2])
    rows = [(*person, *scope, *published.outlook, published.version) for person, scope, published in ordered]
    names = (
        "workspace_ids", "person_nos", "purposes", "channels", "topics", "states", "sinces", "untils", "afters",
        "named", "versions",
    )  # fmt: skip
    await tx.execute(statement(_PUBLISH), **columns(names, rows))


async def drop_published(tx: Tx, scopes: Iterable[tuple[PersonKey, Scope]]) -> None:
    """Forget what was published of scopes about which nothing is said any more."""
    rows = sorted((*person, *scope) for person, scope in scopes)
    names = ("workspace_ids", "person_nos", "purposes", "channels", "topics")
    await tx.execute(statement(_UNPUBLISH), **columns(names, rows))


def _statement(record: Record) -> Statement:
    return Statement(
        statement_id=record["statement_id"],
        scope=Scope(record["purpose"], record["channel"], record["topic"]),
        state=record["state"],
        event_time=record["event_time"],
        expires_at=record["expires_at"],
        source=record["source"],
    )
