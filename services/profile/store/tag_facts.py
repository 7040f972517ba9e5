"""What was said of tags through identifiers, and what persons have of it."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from asyncpg import Record

from libs.common.db import Tx, statement
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.tag import Held, TagFact
from services.profile.store.columns import columns


class TagKey(NamedTuple):
    """One tag of a person."""

    workspace_id: int
    person_no: int
    tag: str

    @property
    def person(self) -> PersonKey:
        """Return whose tag it is."""
        return PersonKey(self.workspace_id, self.person_no)


class KeptTag(NamedTuple):
    """A tag a person has, and the counter it was said under."""

    held: Held
    version: int


_FACT_NAMES = (
    "workspace_ids", "subject_nos", "tags", "fact_ids", "words", "sources", "rule_versions", "ats", "received",
    "expiries",
)  # fmt: skip
_ADD = """
insert into tag_fact (
    workspace_id, subject_no, tag, fact_id, word, source, rule_version, at, received_at, expires_at
)
select * from unnest(:workspace_ids::int[], :subject_nos::int[], :tags::text[], :fact_ids::uuid[], :words::text[],
    :sources::text[], :rule_versions::int[], :ats::timestamptz[], :received::timestamptz[], :expiries::timestamptz[])
on conflict do nothing
"""
_FORGET = """
delete from tag_fact where workspace_id = :workspace_id and tag = :tag and subject_no = any(:subject_nos::int[])
    and source = 'event'
"""
# said while he owned the identifier; by ownership_by_person, then the primary key
_OF_PERSONS = """
select o.person_no as owner_no, f.* from ownership o
join unnest(:workspace_ids::int[], :person_nos::int[], :tags::text[]) k (workspace_id, person_no, tag)
    on k.workspace_id = o.workspace_id and k.person_no = o.person_no
join tag_fact f on f.workspace_id = o.workspace_id and f.subject_no = o.subject_no and f.tag = k.tag
    and f.at >= o.valid_from and f.at < o.valid_to
"""
_TAGS_OF_SUBJECTS = """
select distinct f.workspace_id, f.subject_no, f.tag from tag_fact f
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
"""
_VIEWS = """
select v.* from tag_view v
join unnest(:workspace_ids::int[], :person_nos::int[], :tags::text[]) k (workspace_id, person_no, tag)
    using (workspace_id, person_no, tag)
"""
_VIEWS_OF_PERSONS = """
select * from tag_view where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
order by person_no, tag
"""
_VIEW_NAMES = (
    "workspace_ids", "person_nos", "tags", "sources", "sinces", "rule_versions", "computed", "expiries", "versions",
)  # fmt: skip
_SAVE = """
insert into tag_view (
    workspace_id, person_no, tag, source, since, rule_version, computed_at, expires_at, version
)
select * from unnest(:workspace_ids::int[], :person_nos::int[], :tags::text[], :sources::text[],
    :sinces::timestamptz[], :rule_versions::int[], :computed::timestamptz[], :expiries::timestamptz[],
    :versions::bigint[])
on conflict (workspace_id, person_no, tag) do update set
    source = excluded.source, since = excluded.since, rule_version = excluded.rule_version,
    computed_at = excluded.computed_at, expires_at = excluded.expires_at, version = excluded.version
"""
_DROP = """
delete from tag_view v
using unnest(:workspace_ids::int[], :person_nos::int[], :tags::text[]) k (workspace_id, person_no, tag)
where v.workspace_id = k.workspace_id and v.person_no = k.person_no and v.tag = k.tag
"""
_FROM = """
select * from tag_view where workspace_id = :workspace_id and (person_no, tag) > (:after_no::int, :after_tag::text)
order by person_no, tag limit :row_limit
"""


async def add_facts(tx: Tx, facts: Iterable[tuple[int, TagFact]]) -> None:
    """Add (workspace, fact) to the set; the same event twice is one."""
    rows = sorted({(workspace_id, *fact[:3]): (workspace_id, *fact) for workspace_id, fact in facts}.values())
    if rows:
        await tx.execute(statement(_ADD), **columns(_FACT_NAMES, rows))


async def forget_facts_of_event(tx: Tx, workspace_id: int, tag: str, subject_nos: Collection[int]) -> None:
    """Forget what events said of a tag through these locked identifiers."""
    await tx.execute(statement(_FORGET), workspace_id=workspace_id, tag=tag, subject_nos=sorted(set(subject_nos)))


async def facts_of(tx: Tx, keys: Collection[TagKey]) -> dict[TagKey, list[TagFact]]:
    """Return the facts behind persons' tags."""
    found: dict[TagKey, list[TagFact]] = {}
    arrays = columns(("workspace_ids", "person_nos", "tags"), sorted(keys))
    for r in await tx.fetch(statement(_OF_PERSONS), **arrays):
        fact = TagFact(
            r["subject_no"], r["tag"], r["fact_id"], r["word"], r["source"], r["rule_version"], r["at"],
            r["received_at"], r["expires_at"],
        )  # fmt: skip
        found.setdefault(TagKey(r["workspace_id"], r["owner_no"], r["tag"]), []).append(fact)
    return found


async def tags_of_subjects(tx: Tx, subjects: Iterable[SubjectKey]) -> dict[SubjectKey, set[str]]:
    """Return the tags of which something was said through each identifier."""
    found: dict[SubjectKey, set[str]] = {}
    arrays = columns(("workspace_ids", "subject_nos"), sorted(set(subjects)))
    for workspace_id, subject_no, tag in await tx.fetch(statement(_TAGS_OF_SUBJECTS), **arrays):
        found.setdefault(SubjectKey(workspace_id, subject_no), set()).add(tag)
    return found


async def views(tx: Tx, keys: Collection[TagKey]) -> dict[TagKey, KeptTag]:
    """Return these tags of locked persons, where they have them."""
    arrays = columns(("workspace_ids", "person_nos", "tags"), sorted(keys))
    return {
        TagKey(r["workspace_id"], r["person_no"], r["tag"]): _kept(r)
        for r in await tx.fetch(statement(_VIEWS), **arrays)
    }


async def views_of_persons(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, dict[str, KeptTag]]:
    """Return all tags of persons by name, those whose time is over included."""
    found: dict[int, dict[str, KeptTag]] = {}
    records = await tx.fetch(
        statement(_VIEWS_OF_PERSONS), workspace_id=workspace_id, person_nos=sorted(set(person_nos))
    )
    for r in records:
        found.setdefault(r["person_no"], {})[r["tag"]] = _kept(r)
    return found


async def save_views(tx: Tx, kept: Iterable[tuple[TagKey, KeptTag]]) -> None:
    """Keep what persons have."""
    rows = [(*key, *one.held, one.version) for key, one in sorted(kept, key=lambda each: each[0])]
    if rows:
        await tx.execute(statement(_SAVE), **columns(_VIEW_NAMES, rows))


async def drop_views(tx: Tx, keys: Collection[TagKey]) -> None:
    """Forget what persons have no more."""
    if keys:
        await tx.execute(statement(_DROP), **columns(("workspace_ids", "person_nos", "tags"), sorted(keys)))


async def views_from(tx: Tx, workspace_id: int, *, after: tuple[int, str], limit: int) -> list[tuple[TagKey, KeptTag]]:
    """Return what persons have by (person, tag)."""
    records = await tx.fetch(
        statement(_FROM), workspace_id=workspace_id, after_no=after[0], after_tag=after[1], row_limit=limit
    )
    return [(TagKey(r["workspace_id"], r["person_no"], r["tag"]), _kept(r)) for r in records]


def _kept(record: Record) -> KeptTag:
    held = Held(record["source"], record["since"], record["rule_version"], record["computed_at"], record["expires_at"])
    return KeptTag(held, record["version"])
