"""After a trait's rule changed: fold it again for everybody, a few hundred persons a round."""

from libs.common.jobs import Job
from libs.common.runtime import Runtime
from services.profile.domain.keys import TraitKey
from services.profile.store import guard, trait_facts, trait_rules
from services.profile.usecases.means import means_of
from services.profile.usecases.refold_traits import Touch, refold_traits

BATCH_PERSONS = 500


async def run(runtime: Runtime[None]) -> int:
    """Fold the next persons of one trait; the position moves in the same transaction."""
    async with runtime.worker_database.transaction(()) as tx:
        walk = await trait_rules.claim_walk(tx)
        if walk is None:
            return 0
        await tx.see([walk.workspace_id])
        await runtime.directory.ensure_workspaces([walk.workspace_id])
        await guard.share_workspaces(tx, [walk.workspace_id])
        numbers = await trait_facts.persons_with_trait(
            tx, walk.workspace_id, walk.trait, walk.after_person_no, BATCH_PERSONS
        )
        reason = Touch(runtime.now(walk.workspace_id), None, silent=True)
        touched = {TraitKey(walk.workspace_id, number, walk.trait): reason for number in numbers}
        await refold_traits(tx, touched, means=means_of(runtime))
        await trait_rules.advance_walk(tx, walk, numbers[-1] if len(numbers) == BATCH_PERSONS else None)
        return max(len(numbers), 1)


async def open_count(runtime: Runtime[None], workspace_id: int) -> int:
    """Return how many traits are not folded for everybody yet."""
    async with runtime.worker_database.transaction(workspace_id) as tx:
        return await trait_rules.open_walks(tx, workspace_id)


job = Job(name="refold_traits", run=run, open=open_count)
