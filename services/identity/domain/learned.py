"""The names and types that arrive, gathered in memory until they are worth a statement."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from services.identity.domain.calls import Call, mapping

FULL_LOOKS = 50
"""Calls of one name whose properties are all looked at; of later ones one in SAMPLE."""
SAMPLE = 32
MOST_NAMES = 5_000
"""Names remembered at once: a source that puts ids into names must not fill the memory."""
LONGEST_NAME = 255


class Entry(NamedTuple):
    """What is learned of: an event, a property of an event, or a trait, of a workspace."""

    workspace_id: int
    kind: str
    event_name: str
    name: str


class Learned:
    """Counts and types per name."""

    def __init__(self) -> None:
        self._seen: Counter[Entry] = Counter()
        self._types: dict[Entry, set[str]] = {}
        self._looks: dict[tuple[int, str], int] = {}
        self._calls: dict[tuple[int, str], int] = {}

    def __len__(self) -> int:
        return len(self._seen) + len(self._calls)

    def note(self, workspace_id: int, call: Call) -> None:
        """Remember a call's name, and now and then the types of what it carries."""
        key = (workspace_id, call.name)
        looks = self._looks.get(key, 0)
        if looks == 0 and len(self._looks) >= MOST_NAMES:
            return
        self._looks[key] = looks + 1
        self._calls[key] = self._calls.get(key, 0) + 1
        if looks >= FULL_LOOKS and looks % SAMPLE:
            return
        for name, value in mapping(call.body.get("properties")).items():
            self._add(Entry(workspace_id, "property", call.name, name), json_type(value))
        if call.kind == "identify":
            for name, value in mapping(call.body.get("traits")).items():
                self._add(Entry(workspace_id, "trait", "", name), json_type(value))

    def _add(self, entry: Entry, kind: str) -> None:
        if len(entry.name) > LONGEST_NAME or (len(self._seen) >= MOST_NAMES and entry not in self._seen):
            return
        self._seen[entry] += 1
        self._types.setdefault(entry, set()).add(kind)

    def drain(self) -> Iterator[tuple[Entry, int, list[str]]]:
        """Yield and forget what was learned: entry, how often seen, its types."""
        for (workspace_id, name), count in self._calls.items():
            self._seen[Entry(workspace_id, "event", name, "")] = count
        seen, types = self._seen, self._types
        self._seen, self._types, self._calls = Counter(), {}, {}
        if len(self._looks) >= MOST_NAMES:
            self._looks.clear()
        for entry in sorted(seen):
            yield entry, seen[entry], sorted(types.get(entry, ("call",)))


def json_type(value: Any) -> str:
    """Return the JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    return "object" if isinstance(value, dict) else "list"
