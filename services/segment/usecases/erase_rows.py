"""Delete erased persons from the columnar store."""

from collections.abc import Sequence

from services.segment.store.columnar import Columnar
from services.segment.store.erasures import Erasure


async def erase_rows(columnar: Columnar, *, workspace_id: int, erasures: Sequence[Erasure]) -> None:
    """Delete every row of erased persons; done when it returns, in every part and projection."""
    if not erasures:
        return
    subjects = [subject for erasure in erasures for subject in erasure.subject_nos]
    persons = [erasure.person_no for erasure in erasures]
    for table in ("event", "override", "override_span"):
        await columnar.delete(table, workspace_id, "subject_no", subjects)
    for table in ("trait", "personal_trait"):
        await columnar.delete(table, workspace_id, "person_no", persons)
