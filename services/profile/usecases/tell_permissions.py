"""Say what changed of what is allowed with identifiers whatever the channel: identity links by it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from libs.common import outbox
from libs.common.contracts.profile.permission_changed import PermissionChanged, PermissionStep
from libs.common.db import Tx
from libs.common.ids import fact_id
from services.profile.domain.keys import PersonKey, SubjectKey
from services.profile.domain.permission import Step, permissions_of
from services.profile.store import permissions
from services.profile.store.consents import ByIdentifier
from services.profile.store.permissions import Told


async def tell_permissions(
    tx: Tx, people: Iterable[PersonKey], ledger: Mapping[PersonKey, ByIdentifier], *, received_at: datetime
) -> None:
    """Publish the difference for the present identifiers of locked persons; `ledger` holds all lines about them."""
    published = await permissions.permissions_of_persons(tx, people)
    now: dict[tuple[SubjectKey, str], tuple[Step, ...]] = {}
    owner: dict[SubjectKey, int] = {}
    for person, by_identifier in ledger.items():
        for subject_no, said in by_identifier.items():
            subject = SubjectKey(person.workspace_id, subject_no)
            owner[subject] = person.person_no
            now |= {(subject, purpose): steps for purpose, steps in permissions_of(said).items()}
    different = sorted(name for name in now.keys() | published.keys() if now.get(name, ()) != published.get(name, ()))
    if not different:
        return
    versions = await permissions.next_versions(tx, len(different))
    told = [
        Told(subject, purpose, now.get((subject, purpose), ()), version, received_at)
        for (subject, purpose), version in zip(different, versions, strict=True)
    ]
    await permissions.save_permissions(tx, told)
    await outbox.add(tx, [permission_event(one, owner.get(one.subject, 0)) for one in told])


def permission_event(told: Told, person_no: int = 0) -> PermissionChanged:
    """Return the event that says it; the same id however often it is told."""
    return PermissionChanged(
        id=fact_id("permission", *told.subject, told.purpose, told.version),
        workspace_id=told.subject.workspace_id,
        person_no=person_no,
        received_at=told.received_at,
        occurred_at=told.steps[-1].since if told.steps else told.received_at,
        subject_no=told.subject.subject_no,
        purpose=told.purpose,
        version=told.version,
        steps=tuple(PermissionStep(step.since, step.state) for step in told.steps),
    )
