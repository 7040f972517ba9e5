"""Grants have ended: look at the consents of whoever gave them again."""

from collections.abc import Collection
from itertools import groupby

from libs.common.db import Tx
from services.profile.domain.keys import PersonKey
from services.profile.store import consent_expiries, guard, persons
from services.profile.usecases.means import Means
from services.profile.usecases.refold_consents import refold_consents


async def expire_grants(tx: Tx, due: Collection[PersonKey], *, means: Means) -> set[PersonKey]:
    """Publish what is different for these persons; return those whom nobody looked at meanwhile.

    Erasures are kept out and persons locked before anybody is taken off the queue, in the order everybody keeps.
    """
    await guard.share_workspaces(tx, {person.workspace_id for person in due})
    await persons.lock_persons(tx, due)
    people = await consent_expiries.take_expiries(tx, due)
    for workspace_id, mine in groupby(sorted(people), key=lambda person: person.workspace_id):
        await refold_consents(tx, list(mine), received_at=means.now_of(workspace_id), means=means)
    return people
