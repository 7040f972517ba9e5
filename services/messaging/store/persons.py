"""Who is written to: the locks, the slots he has used, and the addresses he has claimed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx, statement
from services.messaging.domain.gate import Withdrawal
from services.messaging.domain.intent import Spent

_MAKE = statement("""
    insert into person (workspace_id, person_no)
    select :workspace_id, person_no from unnest(:person_nos::int[]) as t(person_no)
    order by person_no
    on conflict do nothing
""")
_LOCK = statement("""
    select person_no, merged_into, erased_at from person
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
    order by person_no
    for update
""")
_STANDING = statement("""
    select person_no, merged_into, erased_at from person
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
      and (merged_into is not null or erased_at is not null)
""")
_SPENT = statement("""
    select person_no, intent_id, channel, at, category, campaign, topic, content_key, window_ends_at
    from reservation
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[]) and at > :since
    order by at, intent_id
""")
_WITHDRAWALS = statement("""
    select person_no, purpose, channel, topic from withdrawal
    where workspace_id = :workspace_id and person_no = any(:person_nos::int[])
""")
_CLAIM_ADDRESSES = statement("""
    insert into address_claim as a (workspace_id, address_lookup, content_key, intent_id, at)
    select :workspace_id, lookup, content_key, intent_id, :now
    from unnest(:lookups::bytea[], :content_keys::bytea[], :intent_ids::uuid[]) as t(lookup, content_key, intent_id)
    order by lookup, content_key
    on conflict (workspace_id, address_lookup, content_key) do update
    set intent_id = excluded.intent_id, at = excluded.at
    where a.at <= :since or exists (
        select from intent mine
        join intent theirs on theirs.workspace_id = mine.workspace_id and theirs.person_no = mine.person_no
        where mine.workspace_id = excluded.workspace_id and mine.intent_id = excluded.intent_id
          and theirs.intent_id = a.intent_id
    )
    returning a.address_lookup, a.content_key
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a person: nothing, merged into another, or erased."""

    merged_into: int | None
    erased_at: datetime | None


async def lock_persons(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, Standing]:
    """Lock the persons' rows, in order of number: whoever gives out their slots next waits for our commit."""
    wanted = sorted(set(person_nos))
    await tx.execute(_MAKE, workspace_id=workspace_id, person_nos=wanted)
    rows = await tx.fetch(_LOCK, workspace_id=workspace_id, person_nos=wanted)
    return {row["person_no"]: Standing(row["merged_into"], row["erased_at"]) for row in rows}


async def standings(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, Standing]:
    """Return the persons who are no longer themselves."""
    rows = await tx.fetch(_STANDING, workspace_id=workspace_id, person_nos=list(person_nos))
    return {row["person_no"]: Standing(row["merged_into"], row["erased_at"]) for row in rows}


async def spent_slots(tx: Tx, workspace_id: int, person_nos: Sequence[int], since: datetime) -> dict[int, list[Spent]]:
    """Return what each person was sent, or is about to be, after `since`."""
    rows = await tx.fetch(_SPENT, workspace_id=workspace_id, person_nos=list(person_nos), since=since)
    found: dict[int, list[Spent]] = {}
    for row in rows:
        slot = Spent(
            row["intent_id"], row["channel"], row["at"], row["category"], row["campaign"], row["topic"],
            bytes(row["content_key"]), row["window_ends_at"],
        )  # fmt: skip
        found.setdefault(row["person_no"], []).append(slot)
    return found


async def pending_withdrawals(tx: Tx, workspace_id: int, person_nos: Sequence[int]) -> dict[int, set[Withdrawal]]:
    """Return the unsubscriptions that profile does not have yet."""
    rows = await tx.fetch(_WITHDRAWALS, workspace_id=workspace_id, person_nos=list(person_nos))
    found: dict[int, set[Withdrawal]] = {}
    for row in rows:
        found.setdefault(row["person_no"], set()).add(Withdrawal(row["purpose"], row["channel"], row["topic"]))
    return found


@dataclass(frozen=True, slots=True)
class AddressClaim:
    """A message wants to go to an address with a content."""

    lookup: bytes
    content_key: bytes
    person_no: int
    intent_id: UUID


async def claim_addresses(
    tx: Tx, workspace_id: int, claims: Sequence[AddressClaim], *, now: datetime, since: datetime
) -> set[UUID]:
    """Return the intents whose person may have the content at the address: nobody else got it there after `since`."""
    # Of one batch the first person keeps a pair; ON CONFLICT may not touch a row twice.
    first = {(c.lookup, c.content_key): c for c in reversed(claims)}
    wanted = list(first.values())
    rows = await tx.fetch(
        _CLAIM_ADDRESSES,
        workspace_id=workspace_id,
        lookups=[c.lookup for c in wanted],
        content_keys=[c.content_key for c in wanted],
        intent_ids=[c.intent_id for c in wanted],
        now=now,
        since=since,
    )
    got = {(bytes(row["address_lookup"]), bytes(row["content_key"])) for row in rows}
    return {
        c.intent_id
        for c in claims
        if (c.lookup, c.content_key) in got and first[c.lookup, c.content_key].person_no == c.person_no
    }
