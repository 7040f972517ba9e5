"""Mending what is held in quarantine: values set, moved and removed by JSON pointer."""

from typing import Any

import msgspec

from services.identity.domain.mapping import ImportMapping


class Repair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How calls are mended before they are tried again: first `move`, then `set`, then `remove`.

    `mapping` is for rows of imports: the cells are read again with it.
    """

    move: dict[str, str] = {}
    set: dict[str, Any] = {}
    remove: tuple[str, ...] = ()
    mapping: ImportMapping | None = None

    def pointers(self) -> list[str]:
        """Return every pointer named."""
        return [*self.move, *self.move.values(), *self.set, *self.remove]


def is_pointer(text: str) -> bool:
    """Return whether a text points to a member of an object."""
    return text.startswith("/") and len(text) > 1


def mend(call: dict[str, Any], repair: Repair) -> dict[str, Any]:
    """Return the call mended; a pointer to nothing is passed over."""
    mended: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(call))
    for source, target in repair.move.items():
        found = _take(mended, source)
        if found is not msgspec.UNSET:
            _put(mended, target, found)
    for pointer, value in repair.set.items():
        _put(mended, pointer, value)
    for pointer in repair.remove:
        _take(mended, pointer)
    return mended


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _take(call: dict[str, Any], pointer: str) -> Any:
    *path, last = _parts(pointer)
    place: Any = call
    for part in path:
        place = place.get(part) if isinstance(place, dict) else None
    return place.pop(last, msgspec.UNSET) if isinstance(place, dict) else msgspec.UNSET


def _put(call: dict[str, Any], pointer: str, value: Any) -> None:
    *path, last = _parts(pointer)
    place = call
    for part in path:
        inner = place.get(part)
        if not isinstance(inner, dict):
            inner = place[part] = {}
        place = inner
    place[last] = value
