"""XML of a stranger, read within bounds: no document types, no entities, no depth and no number without an end."""

from typing import Any
from xml.parsers import expat

from services.identity.domain.calls import Refusal
from services.identity.domain.limits import EVENT_BYTES

DEPTH = 12
ELEMENTS = 1_000
Fields = dict[str, Any]
"""An element's children by name; a name that comes again holds a list."""


class _TooMuch(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, "", detail)


class _Reader:
    def __init__(self) -> None:
        self.root: tuple[str, Any] | None = None
        self._open: list[tuple[str, Fields, list[str]]] = []
        self._elements = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= DEPTH or self._elements > ELEMENTS:
            raise _TooMuch("too_deep", f"elements may lie {DEPTH} deep and be {ELEMENTS}")
        self._open.append((name, {}, []))

    def text(self, piece: str) -> None:
        self._open[-1][2].append(piece)

    def end(self, _name: str) -> None:
        name, children, pieces = self._open.pop()
        value: Any = children or "".join(pieces).strip()
        if not self._open:
            self.root = name, value
            return
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]

    def refuse(self, *_: Any) -> int:
        raise _TooMuch("document_type", "a document type or an entity has no place in a message")


def read_xml(raw: bytes) -> Fields | Refusal:
    """Return the fields of a message `<xml>...</xml>` in UTF-8, or why it is none."""
    if len(raw) > EVENT_BYTES:
        return Refusal("event_too_large", "", f"a message may have {EVENT_BYTES} bytes")
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.ExternalEntityRefHandler = reader.refuse
    parser.SkippedEntityHandler = reader.refuse
    try:
        parser.Parse(raw, True)
    except _TooMuch as much:
        return much.refusal
    except (expat.ExpatError, ValueError) as error:
        return Refusal("malformed_xml", "", f"this is not XML: {error}")
    if reader.root is None or reader.root[0] != "xml" or not isinstance(reader.root[1], dict):
        return Refusal("not_a_message", "", "a message is an <xml> element with its fields in it")
    return reader.root[1]
