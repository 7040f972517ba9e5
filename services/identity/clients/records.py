"""What profile knows of persons, as records that a model compares."""

from collections.abc import Sequence
from typing import Any

import msgspec

from libs.common.http.peers import MAX_BATCH
from libs.common.runtime import Runtime
from services.identity.domain.matching.preparing import Recorded


class _Item(msgspec.Struct):
    person_no: int
    traits: dict[str, Any]


class _Answer(msgspec.Struct):
    items: list[_Item]


async def ask_records(
    runtime: Runtime[Any], workspace_id: int, person_nos: Sequence[int], fields: Sequence[str]
) -> dict[int, Recorded]:
    """Return the traits of persons by number, those that are text or numbers, asked for in batches of up to 500."""
    found: dict[int, Recorded] = {}
    for start in range(0, len(person_nos), MAX_BATCH):
        body = {"person_nos": list(person_nos[start : start + MAX_BATCH]), "names": list(fields)}
        answer = await runtime.peers.post("profile", "/v1/profile/questions/traits", workspace_id, body, _Answer)
        found |= {item.person_no: _plain(item.traits) for item in answer.items}
    return found


def _plain(traits: dict[str, Any]) -> Recorded:
    return {
        name: value
        for name, value in traits.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }
