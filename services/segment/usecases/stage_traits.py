"""Trait changes become rows for the columnar store, and touches."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    erased = await erased_among(tx, workspace_id, [fact.person_no for fact in facts])
    facts = [fact for fact in facts if fact.person_no not in erased]
    await persons.ensure_persons(tx, workspace_id, {fact.person_no: None for fact in facts})
    for personal in (False, True):
        chosen = [fact for fact in facts if fact.personal is personal]
        if not chosen:
            continue
        lines = b"\n".join(
            trait_row(
                workspace_id=workspace_id,
                name=row_name(fact.kind, fact.name),
                person_no=fact.person_no,
                version=fact.version,
                since=fact.since,
                value=fact.value,
            )
            for fact in chosen
        )
        await stage(
            tx,
            workspace_id,
            "personal_trait" if personal else "trait",
            sealer.seal(lines) if personal else lines,
            rows=len(chosen),
            event_ids=[fact.event_id for fact in chosen],
            sealed=personal,
        )
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
