"""What a valid definition is warned of: names nobody ever sent, and segments nobody is in yet."""

from collections.abc import Iterator
from uuid import UUID

from libs.common.db import Tx
from services.segment.domain.condition import Concerns
from services.segment.domain.definition import Definition
from services.segment.domain.fault import Fault
from services.segment.store import known_names, segments

_TAG = "tag:"


async def list_doubts(tx: Tx, *, workspace_id: int, definition: Definition) -> tuple[Fault, ...]:
    """Return each doubt with the pointer of its condition, in the order of the conditions."""
    whole = definition.concerns()
    unheard = Concerns(
        frozenset(await known_names.unknown(tx, workspace_id, "event", whole.events)),
        frozenset(await known_names.unmatched(tx, workspace_id, "event", whole.event_prefixes)),
        frozenset(await known_names.unknown(tx, workspace_id, "trait", whole.traits)),
        frozenset(),
        frozenset(_TAG + tag for tag in await known_names.unknown(tx, workspace_id, "tag", _tags(whole))),
        frozenset(await known_names.unknown(tx, workspace_id, "account_trait", whole.account_traits)),
    )
    referred = await segments.described(tx, workspace_id, whole.segments)
    drafts = {segment_id: row.name for segment_id, row in referred.items() if row.state == "draft"}
    return tuple(
        Fault(leaf.pointer, detail)
        for leaf in definition.leaves()
        for detail in _details(leaf.condition.concerns(), unheard, drafts)
    )


def _tags(concerns: Concerns) -> set[str]:
    return {fact.removeprefix(_TAG) for fact in concerns.facts if fact.startswith(_TAG)}


def _details(concerns: Concerns, unheard: Concerns, drafts: dict[UUID, str]) -> Iterator[str]:
    yield from (f"no event named {name!r} was ever seen" for name in sorted(concerns.events & unheard.events))
    for prefix in sorted(concerns.event_prefixes & unheard.event_prefixes):
        yield f"no event was ever seen whose name begins {prefix!r}"
    yield from (f"no trait named {name!r} was ever seen" for name in sorted(concerns.traits & unheard.traits))
    yield from (f"no tag named {name!r} was ever given" for name in sorted(_tags(concerns) & _tags(unheard)))
    for name in sorted(concerns.account_traits & unheard.account_traits):
        yield f"no account was ever seen to have a trait named {name!r}"
    for segment_id in sorted(concerns.segments & drafts.keys()):
        yield f"the segment {drafts[segment_id]!r} is a draft: nobody is in it until it is published"
