"""What a batch of evidence would do to persons, in numbers that say whether to let it."""

from collections.abc import Iterable, Sequence

import msgspec


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """Persons made, ended in a merge, and brought back; `anchors_lost` of those ended hold a singleton identifier.

    `largest` is the number of identifiers of the largest person that the batch touches, `quarantined` that of the links
    that would wait for somebody's decision.
    """

    created: int
    merged: int
    revived: int
    anchors_lost: int
    largest: int
    quarantined: int


def preflight(
    *,
    created: int,
    revived: int,
    ended: Sequence[int],
    anchored: Iterable[int],
    groups: Iterable[int],
    quarantined: int,
) -> Preflight:
    """Return the numbers from the persons that end, those of them that are `anchored`, and the sizes of `groups`."""
    return Preflight(
        created=created,
        merged=len(ended),
        revived=revived,
        anchors_lost=len(set(ended) & set(anchored)),
        largest=max(groups, default=0),
        quarantined=quarantined,
    )
