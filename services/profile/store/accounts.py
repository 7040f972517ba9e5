"""Accounts: facts about their traits, and the present fold of them; personal values sealed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.trait import Fact
from services.profile.store.columns import columns
from services.profile.store.trait_facts import SealerOf


class AccountKey(NamedTuple):
    """An account of a workspace."""

    workspace_id: int
    account: str


class AccountTrait(NamedTuple):
    """A trait of an account."""

    workspace_id: int
    account: str
    trait: str

    @property
    def key(self) -> AccountKey:
        """Return the account."""
        return AccountKey(self.workspace_id, self.account)


class NewAccountFact(NamedTuple):
    """A fact as a group call brings it."""

    about: AccountTrait
    fact: Fact
    received_at: datetime


class AccountView(NamedTuple):
    """A trait of an account as it was last said; None is an unset. `sealed` instead of `value` where it is personal."""

    about: AccountTrait
    value: bytes | None
    sealed: bytes | None
    since: datetime
    received_at: datetime
    version: int


_NOTE = """
insert into account (workspace_id, account)
select * from unnest(:workspace_ids::int[], :accounts::text[])
on conflict do nothing
"""
_LOCK = """
select a.workspace_id, a.account, a.version from account a
join unnest(:workspace_ids::int[], :accounts::text[]) k (workspace_id, account) using (workspace_id, account)
order by a.workspace_id, a.account
for no key update of a
"""
_RAISE = """
update account a set version = a.version + 1
from unnest(:workspace_ids::int[], :accounts::text[]) k (workspace_id, account)
where a.workspace_id = k.workspace_id and a.account = k.account
"""
_FACTS = """
select f.* from account_fact f
join unnest(:workspace_ids::int[], :accounts::text[], :traits::text[]) k (workspace_id, account, trait)
  using (workspace_id, account, trait)
"""
_VIEWS = """
select v.* from account_view v
join unnest(:workspace_ids::int[], :accounts::text[], :traits::text[]) k (workspace_id, account, trait)
  using (workspace_id, account, trait)
"""
_SAVE = """
insert into account_view (workspace_id, account, trait, value, sealed, since, received_at, version)
select * from unnest(
    :workspace_ids::int[], :accounts::text[], :traits::text[], :clear::text[], :sealed::bytea[],
    :since::timestamptz[], :received::timestamptz[], :versions::bigint[]
)
on conflict (workspace_id, account, trait) do update set
    value = excluded.value, sealed = excluded.sealed, since = excluded.since, received_at = excluded.received_at,
    version = excluded.version
"""
_FROM = statement(
    """
    select workspace_id, account, trait, value, sealed, since, received_at, version from account_view
    where workspace_id = :workspace_id and (account, trait) > (:after_account::text, :after_trait::text)
    order by account, trait limit :row_limit
    """
)
_ADD = load_sql(__file__, "add_account_facts.sql")
_FACT_NAMES = (
    "workspace_ids", "accounts", "traits", "event_ids", "source_ids", "event_times", "received", "kinds", "types",
    "clear", "sealed",
)  # fmt: skip
_VIEW_NAMES = ("workspace_ids", "accounts", "traits", "clear", "sealed", "since", "received", "versions")
_KEY, _ABOUT = ("workspace_ids", "accounts"), ("workspace_ids", "accounts", "traits")


async def note_accounts(tx: Tx, keys: Collection[AccountKey]) -> None:
    """Make accounts known."""
    await tx.execute(statement(_NOTE), **columns(_KEY, sorted(set(keys))))


async def lock_accounts(tx: Tx, keys: Collection[AccountKey]) -> dict[AccountKey, int]:
    """Lock known accounts until the transaction ends; return their versions."""
    rows = await tx.fetch(statement(_LOCK), **columns(_KEY, sorted(set(keys))))
    return {AccountKey(row["workspace_id"], row["account"]): row["version"] for row in rows}


async def raise_versions(tx: Tx, keys: Collection[AccountKey]) -> None:
    """Count on what is said of accounts."""
    await tx.execute(statement(_RAISE), **columns(_KEY, sorted(set(keys))))


async def add_account_facts(tx: Tx, facts: Collection[NewAccountFact], sealer_of: SealerOf) -> list[AccountTrait]:
    """Add facts to the set; return the traits of which some was not in it."""
    rows = []
    for new in sorted(facts, key=lambda one: (one.about, one.fact.event_id)):
        fact = new.fact
        sealed = sealer_of(new.about.workspace_id).seal(fact.value) if fact.personal else None
        clear = None if fact.personal else fact.value.decode()
        said = (fact.event_id, fact.source_id, fact.event_time, new.received_at, fact.kind, fact.type)
        rows.append((*new.about, *said, clear, sealed))
    added = await tx.fetch(_ADD, **columns(_FACT_NAMES, rows))
    return sorted({AccountTrait(row["workspace_id"], row["account"], row["trait"]) for row in added})


async def facts_of(
    tx: Tx, traits: Iterable[AccountTrait], sealer_of: SealerOf
) -> dict[AccountTrait, list[NewAccountFact]]:
    """Return every fact about these traits."""
    found: dict[AccountTrait, list[NewAccountFact]] = {}
    for row in await tx.fetch(statement(_FACTS), **columns(_ABOUT, sorted(set(traits)))):
        about = AccountTrait(row["workspace_id"], row["account"], row["trait"])
        found.setdefault(about, []).append(NewAccountFact(about, _fact(row, sealer_of), row["received_at"]))
    return found


async def views_of(tx: Tx, traits: Iterable[AccountTrait]) -> dict[AccountTrait, AccountView]:
    """Return the present views of these traits; their accounts are locked."""
    rows = await tx.fetch(statement(_VIEWS), **columns(_ABOUT, sorted(set(traits))))
    return {view.about: view for view in map(_view, rows)}


async def save_views(tx: Tx, views: Collection[AccountView]) -> None:
    """Keep the new views."""
    rows = [
        (
            *view.about,
            view.value.decode() if view.value else None,
            view.sealed,
            view.since,
            view.received_at,
            view.version,
        )
        for view in views
    ]
    await tx.execute(statement(_SAVE), **columns(_VIEW_NAMES, rows))


async def views_from(tx: Tx, workspace_id: int, *, after: tuple[str, str], limit: int) -> list[Record]:
    """Return present traits of accounts, unset ones included, by (account, name)."""
    return await tx.fetch(
        _FROM, workspace_id=workspace_id, after_account=after[0], after_trait=after[1], row_limit=limit
    )


def view_of(row: Record) -> AccountView:
    """Return a view as it was read."""
    return _view(row)


def _view(row: Record) -> AccountView:
    value = None if row["value"] is None else row["value"].encode()
    about = AccountTrait(row["workspace_id"], row["account"], row["trait"])
    return AccountView(about, value, row["sealed"], row["since"], row["received_at"], row["version"])


def _fact(row: Record, sealer_of: SealerOf) -> Fact:
    personal = row["sealed"] is not None
    return Fact(
        event_id=row["event_id"],
        subject_no=0,
        source_id=row["source_id"],
        event_time=row["event_time"],
        kind=row["kind"],
        type=row["type"],
        value=sealer_of(row["workspace_id"]).open(row["sealed"]) if personal else row["value"].encode(),
        personal=personal,
    )
