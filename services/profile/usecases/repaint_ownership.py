"""Take over who owns which identifier; return what has to be folded again."""

from collections.abc import Collection
from datetime import datetime

from libs.common.db import Tx
from services.profile.domain.keys import PersonKey, SubjectKey, TraitKey
from services.profile.domain.ownership import Interval, intervals
from services.profile.store import ownership, trait_facts
from services.profile.usecases.refold_traits import Touch, Touched, touch


async def repaint_ownership(
    tx: Tx, changed: Collection[SubjectKey], *, received_at: datetime, touched: Touched
) -> set[PersonKey]:
    """Paint the owners of locked identifiers anew; add their traits to `touched`, return the persons concerned.

    A person row must exist for every owner named by the facts.
    """
    if not changed:
        return set()
    facts = await ownership.ownership_facts(tx, changed)
    before = await ownership.ownership_of(tx, changed)
    after = {subject: intervals(said) for subject, said in facts.items()}
    moved = {subject: painted for subject, painted in after.items() if painted != before.get(subject)}
    await ownership.paint_ownership(tx, moved)
    traits = await trait_facts.traits_of_subjects(tx, moved)
    concerned: set[PersonKey] = set()
    for subject, painted in after.items():
        # also of what did not move: what was known when decides whom a consent covers
        owners = _owners(subject, [*before.get(subject, ()), *painted])
        concerned |= owners
        for person in owners:
            for trait in traits.get(subject, ()):
                touch(touched, TraitKey(*person, trait), Touch(received_at, None, silent=True))
    return concerned


def _owners(subject: SubjectKey, painted: list[Interval]) -> set[PersonKey]:
    return {PersonKey(subject.workspace_id, interval.person_no) for interval in painted}
