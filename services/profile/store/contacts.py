"""Contact points and what channels reported of them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.db import Tx, load_sql, statement
from services.profile.domain.contact import Address, Report
from services.profile.domain.keys import SubjectKey
from services.profile.store.columns import columns


class NewAddress(NamedTuple):
    """An address declared through an identifier; `own` where the identifier is this address itself."""

    workspace_id: int
    subject_no: int
    address: Address
    own: bool = False


class NewReport(NamedTuple):
    """A report about one of a person's addresses."""

    workspace_id: int
    event_id: UUID
    person_no: int
    kind: str
    state: str
    at: datetime


_ADD = load_sql(__file__, "add_contact_points.sql")
_REPORT = """
insert into contact_report (workspace_id, event_id, person_no, kind, state, at)
select * from unnest(:workspace_ids::int[], :event_ids::uuid[], :person_nos::int[], :kinds::text[], :states::text[],
    :times::timestamptz[])
on conflict do nothing
"""
_OF_PERSONS = load_sql(__file__, "contact_points_of_persons.sql")
_HOLDERS = load_sql(__file__, "holders_of_addresses.sql")
_MOST_ROWS = 1_000
_REPORTS = """
select person_no, kind, state, at from contact_report
where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
"""
_NAMES = (
    "workspace_ids", "subject_nos", "kinds", "scopes", "lookups", "sealed", "first_times", "last_times", "verified",
    "own",
)  # fmt: skip


async def add_addresses(tx: Tx, addresses: Collection[NewAddress]) -> set[SubjectKey]:
    """Add what was declared; of the same address the extremes of the times are kept.

    Return the identifiers that were not known to be an address.
    """
    merged: dict[tuple[object, ...], Address] = {}
    own: dict[tuple[object, ...], bool] = {}
    for workspace_id, subject_no, new, is_own in addresses:
        key = (workspace_id, subject_no, new.kind, new.scope, new.lookup)
        known = merged.get(key)
        own[key] = own.get(key, False) or is_own
        times = [a.verified_at for a in (known, new) if a is not None and a.verified_at is not None]
        merged[key] = Address(
            kind=new.kind, scope=new.scope, lookup=new.lookup, sealed=new.sealed,
            first_time=min(new.first_time, known.first_time) if known else new.first_time,
            last_time=max(new.last_time, known.last_time) if known else new.last_time,
            verified_at=max(times, default=None),
        )  # fmt: skip
    rows = [
        (*key, merged[key].sealed, merged[key].first_time, merged[key].last_time, merged[key].verified_at, own[key])
        for key in sorted(merged, key=str)
    ]
    added = await tx.fetch(_ADD, **columns(_NAMES, rows)) if rows else []
    return {SubjectKey(r["workspace_id"], r["subject_no"]) for r in added if r["is_news"]}


async def add_reports(tx: Tx, reports: Collection[NewReport]) -> None:
    """Add reports; the same event twice is one."""
    names = ("workspace_ids", "event_ids", "person_nos", "kinds", "states", "times")
    await tx.execute(statement(_REPORT), **columns(names, reports))


async def addresses_of_persons(tx: Tx, workspace_id: int, person_nos: Collection[int]) -> dict[int, list[Address]]:
    """Return every address of each person: those declared through an identifier while he owned it."""
    found: dict[int, list[Address]] = {}
    for r in await tx.fetch(_OF_PERSONS, workspace_id=workspace_id, person_nos=list(person_nos)):
        address = Address(
            kind=r["kind"], scope=r["scope"], lookup=r["lookup"], sealed=r["sealed"], first_time=r["first_time"],
            last_time=r["last_time"], verified_at=r["verified_at"],
        )  # fmt: skip
        found.setdefault(r["person_no"], []).append(address)
    return found


async def holders_of_addresses(tx: Tx, workspace_id: int, lookups: Collection[bytes]) -> dict[bytes, set[int]]:
    """Return which living persons have each address, by its keyed hash.

    Of an address that is filed more than 1,000 times, those of 1,000 places.
    """
    found: dict[bytes, set[int]] = {}
    if lookups:
        asked = sorted(set(lookups))
        for r in await tx.fetch(_HOLDERS, workspace_id=workspace_id, lookups=asked, most_rows=_MOST_ROWS):
            found.setdefault(r["lookup"], set()).add(r["person_no"])
    return found


async def reports_of_persons(
    tx: Tx, workspace_id: int, aliases: Mapping[int, Collection[int]]
) -> dict[int, list[Report]]:
    """Return what was reported of each person's addresses, under any number he had."""
    # somebody merged may be asked about beside his survivor, while it is not heard yet that all of his is that one's
    roots: dict[int, list[int]] = {}
    for root, numbers in aliases.items():
        for alias in numbers:
            roots.setdefault(alias, []).append(root)
    found: dict[int, list[Report]] = {}
    for r in await tx.fetch(statement(_REPORTS), workspace_id=workspace_id, person_nos=list(roots)):
        for root in roots[r["person_no"]]:
            found.setdefault(root, []).append(Report(r["kind"], r["state"], r["at"]))
    return found
