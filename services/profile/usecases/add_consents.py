"""Append to the consent ledger by a caller's word."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.common.db import Tx
from libs.common.ids import new_id
from libs.common.personal import Sealer
from services.profile.domain.consent import ConsentWord, Scope
from services.profile.domain.identifier import Identifier
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.store import consents, guard, ownership, persons, subjects
from services.profile.store.consents import NewLine
from services.profile.usecases.find_person import lookup_of
from services.profile.usecases.means import Means
from services.profile.usecases.refold_consents import refold_consents


class Statement(msgspec.Struct, frozen=True):
    """What is to be kept: about a person (all identifiers he holds) or one identifier, known or not."""

    scope: Scope
    state: ConsentWord
    event_time: datetime
    person_no: int = 0
    identifier: Identifier | None = None
    expires_at: datetime | None = None
    source: str = "api"
    source_id: int = 0
    legal_basis: str = ""
    text_version: str = ""
    text_hash: str = ""
    actor: str = ""
    proof: bytes | None = None


async def add_consents(
    tx: Tx, workspace_id: int, statements: Sequence[Statement], *, received_at: datetime, means: Means
) -> list[UUID]:
    """Append the statements and publish what changes; return their ids in order.

    A statement about a person makes a line for every identifier he holds now, so that each keeps it through merges and
    splits; of somebody whose identifiers are not known here yet, one line about all he held at this moment.
    """
    await guard.share_workspaces(tx, [workspace_id])
    sealer = means.sealer_of(workspace_id)
    held = await ownership.held_now(tx, workspace_id, {one.person_no for one in statements if one.person_no})
    said = [(new_id(), one) for one in statements]
    lines = [
        _line(workspace_id, one, sealer, received_at, event_id=event_id, subject_no=subject_no)
        for event_id, one in said
        for subject_no in held.get(one.person_no, [0])
    ]
    await consents.add_lines(tx, lines)
    aims = {PersonKey(workspace_id, line.person_no) for line in lines if line.person_no}
    lookups = {line.lookup for line in lines if line.lookup is not None}
    subjects_held = {SubjectKey(workspace_id, number) for numbers in held.values() for number in numbers}

    async def spoken_about() -> set[PersonKey]:
        found = await subjects.subjects_of_lookups(tx, workspace_id, lookups)
        told = subjects_held | {SubjectKey(workspace_id, number) for number in found.values()}
        owners = await ownership.ownership_of(tx, told)
        present = {PersonKey(workspace_id, painted[-1].person_no) for painted in owners.values()}
        return present | await consents.present_owners_of_once_held(tx, aims)

    concerned = await persons.lock_found(tx, spoken_about)
    await refold_consents(tx, concerned, received_at=received_at, means=means)
    return [event_id for event_id, _ in said]


def _line(
    workspace_id: int, said: Statement, sealer: Sealer, received_at: datetime, *, event_id: UUID, subject_no: int
) -> NewLine:
    return NewLine(
        workspace_id=workspace_id,
        statement_id=new_id(),
        event_id=event_id,
        subject_no=subject_no,
        person_no=0 if subject_no else said.person_no,
        lookup=lookup_of(said.identifier, sealer) if said.identifier is not None else None,
        purpose=said.scope.purpose,
        channel=said.scope.channel,
        topic=said.scope.topic,
        state=said.state,
        event_time=said.event_time,
        received_at=received_at,
        expires_at=said.expires_at,
        source=said.source,
        source_id=said.source_id,
        legal_basis=said.legal_basis,
        text_version=said.text_version,
        text_hash=said.text_hash,
        actor=said.actor,
        proof=sealer.seal(said.proof) if said.proof is not None else None,
    )
