"""Hash twins: a hashed identifier and the plain one it is the hash of are one and the same, by arithmetic.

Where both are known that is evidence like any other, dated before everything, so that nothing hangs on which came
first. Such a link holds whatever time, caps or silence say, and a hub's twins are hubs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from services.identity.domain.evidence import DECIDED, Evidence, Identifier
from services.identity.domain.policy import Canonical, NamespaceKind

TWIN_SOURCE = -1
"""The source of evidence that nobody sent: it follows from the values themselves."""

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def twins_of(identifier: Identifier, kind: NamespaceKind | None) -> Iterator[Identifier]:
    """Yield the hashed identifiers under which others may know a plain one; none for a namespace without hashes."""
    if kind is None or kind.name != identifier.namespace or not kind.hashed_as:
        return
    canonical = kind.canonical(identifier.value, None)
    if isinstance(canonical, Canonical):
        yield from (Identifier(namespace, identifier.scope, value) for namespace, value in canonical.twins)


def id_of_derived(workspace_id: int, one_no: int, other_no: int) -> UUID:
    """Return the event id of what follows from two identifiers, by the numbers they are stored under.

    The same two always have the same, and it tells nothing of their values: of a telephone number all there are could
    be tried. Only the keyed hash of an identifier leads to its number.
    """
    return UUID(bytes=sha256(f"derived/{workspace_id}/{one_no}/{other_no}".encode()).digest()[:16])


def twin_evidence(plain: Identifier, hashed: Identifier, *, event_id: UUID, received_at: datetime) -> Evidence:
    """Return the fact that the one is the hash of the other."""
    return Evidence(
        event_id=event_id,
        source_id=TWIN_SOURCE,
        kind="bind",
        tier=DECIDED,
        event_time=ALWAYS,
        first_received_at=received_at,
        identifiers=(plain, hashed),
    )
