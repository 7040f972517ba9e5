"""Pairs that may be one person, and what was decided about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.common.db import Tx, load_sql, statement
from libs.common.ids import new_id

_ADD = load_sql(__file__, "add_suggestions.sql")
_LIST = load_sql(__file__, "list_suggestions.sql")
_LOCK = statement(
    "select state from suggestion where workspace_id = :workspace_id and suggestion_id = :suggestion_id for update"
)
_DECIDE = statement(
    "update suggestion set state = :state, decided_at = :now, author = :author"
    " where workspace_id = :workspace_id and suggestion_id = :suggestion_id"
)


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """A pair to suggest: the numbers of the identifiers that stand for its sides, and why."""

    workspace_id: int
    low_no: int
    high_no: int
    origin: str
    reason: str
    at: datetime
    score: float | None = None
    waterfall: list[dict[str, Any]] = []
    link_low: int | None = None
    link_high: int | None = None
    also: tuple[str, ...] = ()
    """Other origins that the same pair has."""


class SuggestionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion, with the persons its sides belong to now."""

    suggestion_id: UUID
    origin: str
    also: list[str]
    reason: str
    score: float | None
    waterfall: list[dict[str, Any]]
    state: str
    created_at: datetime
    decided_at: datetime | None
    author: str | None
    low_no: int
    high_no: int
    low_person: int
    high_person: int


def _by_pair(pairings: Sequence[Pairing]) -> dict[tuple[int, int, int], Pairing]:
    """Return one pairing for each pair, with all that was found for it."""
    unique: dict[tuple[int, int, int], Pairing] = {}
    for one in pairings:
        pair = one.workspace_id, one.low_no, one.high_no
        known = unique.get(pair)
        unique[pair] = one if known is None else _together(known, one)
    return unique


def _together(known: Pairing, newer: Pairing) -> Pairing:
    scored = newer if newer.score is not None else known
    linked = newer if newer.link_low is not None else known
    return msgspec.structs.replace(
        known,
        also=tuple(sorted({*known.also, *newer.also, newer.origin} - {known.origin})),
        score=scored.score,
        waterfall=scored.waterfall,
        link_low=linked.link_low,
        link_high=linked.link_high,
    )


async def add(tx: Tx, pairings: Sequence[Pairing]) -> int:
    """Queue pairs, each once for ever; return how many are new, scored anew, or suggested for one reason more."""
    unique = _by_pair(pairings)
    if not unique:
        return 0
    # One order for all writers.
    rows = [unique[key] for key in sorted(unique)]
    return len(
        await tx.fetch(
            _ADD,
            workspace_ids=[row.workspace_id for row in rows],
            suggestion_ids=[new_id() for _ in rows],
            lows=[row.low_no for row in rows],
            highs=[row.high_no for row in rows],
            origins=[row.origin for row in rows],
            alsos=[",".join(row.also) for row in rows],
            reasons=[row.reason for row in rows],
            scores=[row.score for row in rows],
            waterfalls=[msgspec.json.encode(row.waterfall).decode() for row in rows],
            link_lows=[row.link_low for row in rows],
            link_highs=[row.link_high for row in rows],
            ats=[row.at for row in rows],
        )
    )


async def list_rows(
    tx: Tx,
    *,
    workspace_id: int,
    limit: int,
    state: str | None = None,
    origin: str | None = None,
    before: UUID | None = None,
    suggestion_id: UUID | None = None,
    purposes: Mapping[str, str | None],
    now: datetime,
) -> list[SuggestionRow]:
    """Return suggestions, newest first; open ones only while there is something to decide.

    `purposes` are what linking identifiers of the namespaces is for, None where nobody need consent.
    """
    rows = await tx.fetch(
        _LIST, workspace_id=workspace_id, state=state, origin=origin, before=before, suggestion_id=suggestion_id,
        row_limit=limit, purposes=dict(purposes), now=now,
    )  # fmt: skip
    return [SuggestionRow(**dict(row)) for row in rows]


async def lock(tx: Tx, workspace_id: int, suggestion_id: UUID) -> str | None:
    """Return the state of a suggestion, locked; None when there is none."""
    found: str | None = await tx.fetch_value(_LOCK, workspace_id=workspace_id, suggestion_id=suggestion_id)
    return found


async def decide(tx: Tx, workspace_id: int, suggestion_id: UUID, *, state: str, author: str, now: datetime) -> None:
    """Write down what was decided."""
    await tx.execute(
        _DECIDE, workspace_id=workspace_id, suggestion_id=suggestion_id, state=state, author=author, now=now
    )
