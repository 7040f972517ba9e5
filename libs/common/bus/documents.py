"""The shared language as documents: `python -m libs.common.bus.documents` writes docs/contracts."""

import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from libs.common.contracts.catalogue import all_contracts
from libs.common.contracts.event import Event, owner_of

DIRECTORY = Path(__file__).parents[3] / "docs/contracts"
PARTITIONS = 16
_WORDS = frozenset({"description", "title"})

Schema = dict[str, Any]


class NotAdditive(Exception):
    """A published contract changed otherwise than by an optional field; it needs a new version beside it."""


def documents() -> dict[str, bytes]:
    """Return every file of docs/contracts by name."""
    files = {f"{contract.subject}.json": _text(schema_of(contract)) for contract in all_contracts()}
    return {**files, "asyncapi.json": _text(asyncapi())}


def schema_of(contract: type[Event]) -> Schema:
    """Return the JSON Schema of one line of the contract's messages."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:rapport:{contract.subject}",
        **msgspec.json.schema(_describable(contract)),
    }


def asyncapi() -> Schema:
    """Return the AsyncAPI 3 document of the bus."""
    contracts = all_contracts()
    schemas, components = msgspec.json.schema_components(
        [_describable(contract) for contract in contracts], ref_template="#/components/schemas/{name}"
    )
    named = list(zip(contracts, schemas, strict=True))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport events",
            "version": "1.0.0",
            "description": "A message is NDJSON: events of one contract, one workspace and one partition. "
            "Receivers de-duplicate by the event's id and assume no order.",
        },
        "defaultContentType": "application/x-ndjson",
        "channels": {contract.subject: _channel(contract) for contract in contracts},
        "operations": {f"say {contract.subject}": _operation(contract) for contract in contracts},
        "components": {
            "messages": {contract.subject: _message(contract, schema) for contract, schema in named},
            "schemas": components,
        },
    }


def breaking_changes(old: Schema, new: Schema, path: str = "") -> Iterator[str]:
    """Yield what in `new` a reader of `old` would stumble over: anything but a new optional field."""
    for word in sorted((old.keys() | new.keys()) - _WORDS - {"properties", "$defs"}):
        if old.get(word) != new.get(word):
            yield f"{path or '/'}: {word} was {old.get(word)!r}, is {new.get(word)!r}"
    for group in ("properties", "$defs"):
        before, after = old.get(group, {}), new.get(group, {})
        for name, schema in before.items():
            if name not in after:
                yield f"{path}/{group}/{name}: is gone"
            else:
                yield from breaking_changes(schema, after[name], f"{path}/{group}/{name}")


def write(directory: Path = DIRECTORY) -> list[str]:
    """Bring the folder up to date; return the files that changed. Raises NotAdditive and writes nothing then."""
    wanted = documents()
    present = {path.name: path.read_bytes() for path in directory.glob("*.json")}
    complaints = [
        f"{name}{complaint}"
        for name, content in present.items()
        if name != "asyncapi.json"
        for complaint in _complaints(content, wanted.get(name))
    ]
    if complaints:
        raise NotAdditive("\n".join(complaints))
    changed = [name for name, content in wanted.items() if present.get(name) != content]
    directory.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (directory / name).write_bytes(wanted[name])
    return changed


@cache
def _describable(contract: type[Event]) -> type[msgspec.Struct]:
    """Return a twin without Raw defaults, which msgspec cannot put into a schema."""
    fields = [
        (field.name, field.type, msgspec.field(default_factory=dict))
        if isinstance(field.default, msgspec.Raw)
        else (field.name, field.type, msgspec.field(**_default(field)))
        for field in msgspec.structs.fields(contract)
    ]
    return msgspec.defstruct(
        contract.__name__,
        fields,
        namespace={"__doc__": inspect.getdoc(contract)},
        kw_only=True,
        module=contract.__module__,
    )


def _default(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    if field.default is not msgspec.NODEFAULT:
        return {"default": field.default}
    if field.default_factory is not msgspec.NODEFAULT:
        return {"default_factory": field.default_factory}
    return {}


def _complaints(old: bytes, new: bytes | None) -> list[str]:
    if new is None:
        return [": the contract is gone"]
    return list(breaking_changes(msgspec.json.decode(old), msgspec.json.decode(new)))


def _channel(contract: type[Event]) -> Schema:
    return {
        "address": f"{contract.subject}.{{partition}}",
        "parameters": {
            "partition": {
                "description": "hash of workspace and person, fixed for ever",
                "enum": [str(number) for number in range(PARTITIONS)],
            }
        },
        "messages": {"events": {"$ref": f"#/components/messages/{contract.subject}"}},
    }


def _operation(contract: type[Event]) -> Schema:
    return {
        "action": "send",
        "summary": f"said by {owner_of(contract)}, heard by {', '.join(contract.heard_by) or 'nobody here'}",
        "channel": {"$ref": f"#/channels/{contract.subject}"},
    }


def _message(contract: type[Event], schema: Schema) -> Schema:
    return {
        "name": contract.subject,
        "title": contract.__name__,
        "summary": inspect.cleandoc(contract.__doc__ or "").split("\n", 1)[0],
        "contentType": "application/x-ndjson",
        "payload": schema,
    }


def _text(document: Schema) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=2) + b"\n"


if __name__ == "__main__":
    try:
        print("\n".join(write()) or "up to date")  # noqa: T201 - a command's answer
    except NotAdditive as error:
        sys.exit(f"not additive: publish a new version beside the old one\n{error}")
