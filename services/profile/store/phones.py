"""Telephone numbers: who owns one, who else has it, and the lock that keeps both still."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.store.columns import columns
from services.profile.store.contacts import NewAddress


class Owned(NamedTuple):
    """The living persons who own a number now (one, unless something is half heard), the first of them since when."""

    person_nos: frozenset[int]
    since: datetime


_OF_SUBJECTS = """
select distinct c.workspace_id, c.lookup, c.own from contact_point c
join unnest(:workspace_ids::int[], :subject_nos::int[]) k (workspace_id, subject_no) using (workspace_id, subject_no)
where c.kind = 'phone'
"""
_NOTE = """
insert into phone (workspace_id, lookup) select * from unnest(:workspace_ids::int[], :lookups::bytea[])
on conflict do nothing
"""
_LOCK = """
select p.lookup from phone p
join unnest(:workspace_ids::int[], :lookups::bytea[]) k (workspace_id, lookup) using (workspace_id, lookup)
order by p.workspace_id, p.lookup
"""
# thousands may give one number at once: they need not wait for each other
_HOLD_TO_GIVE = f"{_LOCK} for share of p"
_HOLD_TO_OWN = f"{_LOCK} for no key update of p"
_OWNERS = load_sql(__file__, "owners_of_phones.sql")
_WITH_PHONES = load_sql(__file__, "persons_with_phones.sql")
_MOST_ROWS = 1_000
_MOST_IN_ALL = 10_000


def _keyed(subjects: Iterable[SubjectKey]) -> dict[str, list[int]]:
    return columns(("workspace_ids", "subject_nos"), sorted(set(subjects)))


async def hold_phones(tx: Tx, addresses: Iterable[NewAddress], *, moved: Collection[SubjectKey] = ()) -> None:
    """Keep these new numbers and those told under moved identifiers still until the commit.

    Taken after the identifiers are locked, before they change and before persons are locked: whoever declares a number
    and whoever takes it over come one after the other, so that the second sees the first.
    """
    held = {(new.workspace_id, new.address.lookup, new.own) for new in addresses if new.address.kind == "phone"}
    if moved:
        held |= {tuple(record) for record in await tx.fetch(statement(_OF_SUBJECTS), **_keyed(moved))}
    if held:
        arrays = columns(
            ("workspace_ids", "lookups"), sorted({(workspace_id, lookup) for workspace_id, lookup, _ in held})
        )
        owning = any(own for _, _, own in held)
        await tx.execute(statement(_NOTE), **arrays)
        # one strength for all, in one order, so that no two wait for each other
        await tx.fetch(statement(_HOLD_TO_OWN if owning else _HOLD_TO_GIVE), **arrays)


async def owners_of_phones(tx: Tx, workspace_id: int, lookups: Collection[bytes]) -> dict[bytes, Owned]:
    """Return who owns each number at present, by its keyed hash; one that is nobody's identifier falls out."""
    found: dict[bytes, Owned] = {}
    if lookups:
        for r in await tx.fetch(_OWNERS, workspace_id=workspace_id, lookups=sorted(lookups)):
            known = found.get(r["lookup"], Owned(frozenset(), r["valid_from"]))
            found[r["lookup"]] = Owned(known.person_nos | {r["person_no"]}, min(known.since, r["valid_from"]))
    return found


async def persons_with_phones(tx: Tx, subjects: Collection[SubjectKey]) -> set[PersonKey]:
    """Return who has a number that is one of these identifiers, the owners among them.

    Of a number that is filed more than 1,000 times, those of the first 1,000 places by identifier; of many numbers at
    once those of 10,000 places, each number's the same share.
    """
    if not subjects:
        return set()
    most = {"most_rows": _MOST_ROWS, "most_in_all": _MOST_IN_ALL}
    return {PersonKey(*r) for r in await tx.fetch(_WITH_PHONES, **_keyed(subjects), **most)}
