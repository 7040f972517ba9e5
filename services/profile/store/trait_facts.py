"""The set of trait facts; personal values sealed."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from libs.common.personal import Sealer
from services.profile.domain.keys import SubjectKey, TraitKey
from services.profile.domain.trait import Fact
from services.profile.store.columns import columns

SealerOf = Callable[[int], Sealer]
"""workspace number -> the codec of its personal data."""


class NewFact(NamedTuple):
    """A fact as an event brings it."""

    workspace_id: int
    trait: str
    fact: Fact
    received_at: datetime


class TraitFact(NamedTuple):
    """A fact of a person's trait as it lies in the set."""

    trait: str
    fact: Fact


_ADD = load_sql(__file__, "add_trait_facts.sql")
_OF_TRAITS = load_sql(__file__, "trait_facts_of_persons.sql")
_OF_PERSON = load_sql(__file__, "trait_facts_of_person.sql")
_OF_SUBJECTS = """
select distinct f.workspace_id, f.subject_no, f.trait from trait_fact f
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
"""
_PERSONS = load_sql(__file__, "persons_with_trait.sql")
_CATALOGUE = """
insert into trait_catalogue (workspace_id, trait, type, personal)
select distinct * from unnest(:workspace_ids::int[], :traits::text[], :types::text[], :personal::boolean[])
order by 1, 2, 3, 4
on conflict do nothing
"""
_NAMES = (
    "workspace_ids", "subject_nos", "traits", "event_ids", "source_ids", "event_times", "received", "kinds", "types",
    "clear", "sealed",
)  # fmt: skip


async def add_trait_facts(tx: Tx, facts: Collection[NewFact], sealer_of: SealerOf) -> list[NewFact]:
    """Add facts to the set and return those that were not in it."""
    if not facts:
        return []
    rows = []
    for new in facts:
        fact = new.fact
        sealed = sealer_of(new.workspace_id).seal(fact.value) if fact.personal else None
        rows.append(
            (
                new.workspace_id, fact.subject_no, new.trait, fact.event_id, fact.source_id, fact.event_time,
                new.received_at, fact.kind, fact.type, None if fact.personal else fact.value.decode(), sealed,
            )
        )  # fmt: skip
    added = await tx.fetch(_ADD, **columns(_NAMES, rows))
    keys = {(r["workspace_id"], r["subject_no"], r["trait"], r["event_id"]) for r in added}
    seen = {(n.workspace_id, n.trait, n.fact.type, n.fact.personal) for n in facts if n.fact.kind != "unset"}
    await tx.execute(statement(_CATALOGUE), **columns(("workspace_ids", "traits", "types", "personal"), sorted(seen)))
    return [n for n in facts if (n.workspace_id, n.fact.subject_no, n.trait, n.fact.event_id) in keys]


async def facts_of_traits(tx: Tx, traits: Iterable[TraitKey], sealer_of: SealerOf) -> dict[TraitKey, list[Fact]]:
    """Return every fact of these persons' traits: those told while the person owned the identifier they came by."""
    keys = sorted(set(traits))
    found: dict[TraitKey, list[Fact]] = {}
    for record in await tx.fetch(_OF_TRAITS, **columns(("workspace_ids", "person_nos", "traits"), keys)):
        key = TraitKey(record["workspace_id"], record["person_no"], record["trait"])
        found.setdefault(key, []).append(_fact(record, sealer_of(key.workspace_id)))
    return found


async def facts_of_person(
    tx: Tx, workspace_id: int, person_no: int, trait: str | None, sealer: Sealer
) -> list[TraitFact]:
    """Return the facts behind a person's traits (one trait, or all), newest first."""
    records = await tx.fetch(_OF_PERSON, workspace_id=workspace_id, person_no=person_no, trait=trait)
    return [TraitFact(record["trait"], _fact(record, sealer)) for record in records]


async def traits_of_subjects(tx: Tx, subjects: Iterable[SubjectKey]) -> dict[SubjectKey, list[str]]:
    """Return the names of the traits that were ever told through these identifiers."""
    found: dict[SubjectKey, list[str]] = {}
    keys = columns(("workspace_ids", "subject_nos"), sorted(set(subjects)))
    for record in await tx.fetch(statement(_OF_SUBJECTS), **keys):
        found.setdefault(SubjectKey(record["workspace_id"], record["subject_no"]), []).append(record["trait"])
    return found


async def persons_with_trait(tx: Tx, workspace_id: int, trait: str, after_person_no: int, limit: int) -> list[int]:
    """Return the next persons that own an identifier with facts about a trait."""
    records = await tx.fetch(
        _PERSONS, workspace_id=workspace_id, trait=trait, after_person_no=after_person_no, limit=limit
    )
    return [record["person_no"] for record in records]


def _fact(record: Record, sealer: Sealer) -> Fact:
    personal = record["sealed"] is not None
    return Fact(
        event_id=record["event_id"],
        subject_no=record["subject_no"],
        source_id=record["source_id"],
        event_time=record["event_time"],
        kind=record["kind"],
        type=record["type"],
        value=sealer.open(record["sealed"]) if personal else record["value"].encode(),
        personal=personal,
    )
