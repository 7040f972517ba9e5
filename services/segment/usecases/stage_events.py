"""Events become rows for the columnar store, and touches of their persons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx
from services.segment.domain.values import ACCOUNT_PROPERTY
from services.segment.store import known_names, owners, persons, spans, squashes
from services.segment.store.accounts import link_accounts
from services.segment.store.rows import Origin, event_row
from services.segment.store.staging import stage
from services.segment.store.touches import Touch, TouchCause, add_touches
from services.segment.usecases.stage_overrides import stage_overrides


class Happening(msgspec.Struct, frozen=True):
    """One event of a person; `subject_no` 0 where it names no identifier."""

    name: str
    person_no: int
    subject_no: int
    event_time: datetime
    received_at: datetime
    event_id: UUID
    properties: Mapping[str, object]
    origin: Origin = "collected"
    source_id: int = 0
    person_id: UUID | None = None
    cause: TouchCause = "event"
    account: str | None = None
    """The account a group call links the person to."""

    @property
    def owned_as(self) -> int:
        """Return the subject its ownership is kept under."""
        return self.subject_no or -self.person_no


async def stage_events(tx: Tx, *, workspace_id: int, happenings: Sequence[Happening], is_news: bool = True) -> None:
    """Stage events of one workspace and touch the persons they belong to now; told again they are no news.

    Those of erased subjects are dropped.
    """
    of_persons = [happening for happening in happenings if happening.person_no]
    await known_names.remember(tx, workspace_id, "event", {happening.name for happening in happenings})
    await persons.ensure_persons(tx, workspace_id, {h.person_no: h.person_id for h in of_persons})
    owned_by, news, timed = await owners.owners_after_storing(
        tx,
        workspace_id,
        subject_nos=[happening.owned_as for happening in of_persons],
        person_nos=[happening.person_no for happening in of_persons],
    )
    erased = {subject_no for subject_no, owner in owned_by.items() if owner == 0}
    happenings = [happening for happening in happenings if happening.owned_as not in erased]
    of_persons = [happening for happening in of_persons if happening.owned_as not in erased]
    await stage_overrides(tx, workspace_id=workspace_id, subject_nos=[one for one in news if one not in erased])
    if not happenings:
        return
    generation = await squashes.news_generation(tx, workspace_id)
    lines = [
        event_row(
            workspace_id=workspace_id,
            name=happening.name,
            person_no=happening.person_no,
            subject_no=happening.owned_as,
            event_time=happening.event_time,
            received_at=happening.received_at,
            event_id=happening.event_id,
            origin=happening.origin,
            source_id=happening.source_id,
            properties=_properties(happening),
            generation=generation,
        )
        for happening in happenings
    ]
    links = [(happening.account, happening.owned_as) for happening in of_persons if happening.account]
    if links:
        await link_accounts(tx, workspace_id, links)
    ids = [happening.event_id for happening in happenings]
    await stage(tx, workspace_id, "event", b"\n".join(lines), rows=len(lines), event_ids=ids)
    if not is_news:
        return
    held = await spans.spans_of(tx, workspace_id, timed) if timed else {}
    touches = [
        Touch(owner, h.cause, h.received_at, f"event:{h.name}", h.event_id)
        for h in of_persons
        if (owner := spans.owner_then(held.get(h.owned_as, ()), h.event_time) or owned_by[h.owned_as])
    ]
    if not of_persons and happenings:
        # nobody to ask again, but the rows have to go in
        touches.append(Touch(0, "event", happenings[0].received_at))
    await add_touches(tx, workspace_id, touches)


def _properties(happening: Happening) -> Mapping[str, object]:
    linked = {ACCOUNT_PROPERTY: happening.account} if happening.account else {}
    return {**happening.properties, **linked}
