"""Trait changes become rows for the columnar store, and touches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from libs.common.db import Tx
from libs.common.personal import Sealer
from services.segment.domain.fact import FactKind, concern, row_name
from services.segment.store import known_names, persons
from services.segment.store.erasures import erased_among
from services.segment.store.rows import trait_row
from services.segment.store.staging import stage
from services.segment.store.touches import Touch, add_touches


@dataclass(frozen=True)
class TraitFact:
    """A person's trait, or another fact kept like one, has this value; `personal` ones lie on the encrypted disk."""

    person_no: int
    name: str
    value: object
    version: int
    since: datetime
    received_at: datetime
    event_id: UUID
    personal: bool = False
    silent: bool = False
    kind: FactKind = "trait"


async def stage_traits(
    tx: Tx, *, workspace_id: int, facts: Sequence[TraitFact], sealer: Sealer, is_news: bool = True
) -> None:
    """Stage trait facts of one workspace and touch their persons; told again they are no news.

    Those of erased persons are dropped.
    """
    for kind in ("trait", "tag"):
        await known_names.remember(tx, workspace_id, kind, {fact.name for fact in facts if fact.kind == kind})
    # held before they are asked about: whoever is erased from then on has his rows deleted after ours
    await persons.ensure_persons(tx, workspace_id, {fact.person_no: None for fact in facts})
    erased = await erased_among(tx, workspace_id, [fact.person_no for fact in facts])
    facts = [fact for fact in facts if fact.person_no not in erased]
    laid = _laid(facts, await _ever_personal(tx, workspace_id, facts))
    for personal in (False, True):
        await _stage(tx, workspace_id, laid[personal], personal=personal, sealer=sealer)
    if not is_news:
        return
    now = await persons.present(tx, workspace_id, [fact.person_no for fact in facts])
    touches = [
        Touch(
            now.get(fact.person_no, fact.person_no),
            "merge" if fact.silent else "consent" if fact.kind == "consent" else "trait",
            fact.received_at,
            concern(fact.kind, fact.name),
            fact.event_id,
        )
        for fact in facts
    ]
    await add_touches(tx, workspace_id, touches)


async def _ever_personal(tx: Tx, workspace_id: int, facts: Sequence[TraitFact]) -> set[str]:
    """Return those of the traits that were personal once, now or before."""
    names = {fact.name for fact in facts if fact.kind == "trait"}
    if not names:
        return set()
    await known_names.remember(tx, workspace_id, "personal_trait", {fact.name for fact in facts if fact.personal})
    return names - await known_names.unknown(tx, workspace_id, "personal_trait", names)


def _laid(facts: Sequence[TraitFact], ever_personal: set[str]) -> dict[bool, list[TraitFact]]:
    """Return what goes into the plain table and into the personal one: each fact, and what it takes out of the other.

    A trait may be of the other kind than it was, and its removal says of none: an older value must not stay, least of
    all a personal one on the open disk. What was never personal has nothing in the personal table.
    """
    laid: dict[bool, list[TraitFact]] = {False: [], True: []}
    for fact in facts:
        laid[fact.personal].append(fact)
        is_removed = fact.kind == "trait" and fact.value is None
        if fact.personal or is_removed or (fact.kind == "trait" and fact.name in ever_personal):
            laid[not fact.personal].append(replace(fact, value=None))
    return laid


async def _stage(tx: Tx, workspace_id: int, facts: Sequence[TraitFact], *, personal: bool, sealer: Sealer) -> None:
    if not facts:
        return
    lines = b"\n".join(
        trait_row(
            workspace_id=workspace_id,
            name=row_name(fact.kind, fact.name),
            person_no=fact.person_no,
            version=fact.version,
            since=fact.since,
            value=fact.value,
        )
        for fact in facts
    )
    await stage(
        tx,
        workspace_id,
        "personal_trait" if personal else "trait",
        sealer.seal(lines) if personal else lines,
        rows=len(facts),
        event_ids=[fact.event_id for fact in facts],
        sealed=personal,
    )
