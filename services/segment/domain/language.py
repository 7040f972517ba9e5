"""The whole language as one JSON Schema, put together from what each plug-in says of itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from services.segment.domain.condition import ConditionKind, Grammar, OperatorKind
from services.segment.domain.definition import ANONYMOUS, FLAGS, GROUPS
from services.segment.domain.shape import PATH, SHARED, Example, Schema, Shape, listed, named, words

SCHEMA_ID = "urn:rapport:segment-language"


def language_schema(grammar: Grammar) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a definition."""
    groups = [_group(kind) for kind in GROUPS]
    flagged = [_group(kind, **{ANONYMOUS: words(*FLAGS)}) for kind in GROUPS]
    conditions = {f"condition_{kind.keys[0]}": _any(shape.schema() for shape in kind.shapes) for kind in kinds(grammar)}
    tests = [shape for kind in operators(grammar) for shape in kind.shapes]
    of_events = [shape for kind in operators(grammar) if not kind.only_traits for shape in _of_events(kind)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "The language of segments",
        "description": (
            "A condition, or a group of them. Members with the value null count as absent and are left out. Beside the"
            " group at the root `anonymous` says whether persons whom nothing names are in (by default) or out."
        ),
        "anyOf": [named("node"), *flagged],
        "$defs": {
            "node": {"anyOf": [named("group"), *(named(name) for name in conditions)]},
            "group": {"anyOf": groups},
            **conditions,
            # closed by what it is put into
            "test": {"oneOf": [_open(shape.schema()) for shape in tests]},
            "filter": _any(shape.schema({"prop": PATH}) for shape in of_events),
            "account_filter": _any(shape.schema({"trait": PATH}) for shape in of_events),
            **SHARED,
        },
    }


def _group(kind: str, **flags: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {kind: listed(named("node")), **flags},
        "required": [kind, *flags],
        "additionalProperties": False,
    }


def examples(grammar: Grammar) -> Iterator[tuple[str, Example]]:
    """Yield a valid definition for every example, with the name of the condition or operator it shows."""
    for kind in kinds(grammar):
        for example in kind.examples:
            yield kind.keys[0], example
    for operator in operators(grammar):
        for example in operator.examples:
            yield operator.names[0], Example(example.says, trait_example(example.body))


def trait_example(test: Mapping[str, object]) -> dict[str, object]:
    """Return a value operator put to a trait."""
    return {"trait": "t", **test}


def kinds(grammar: Grammar) -> list[ConditionKind]:
    """Return the conditions, each once, by name."""
    return sorted({kind.keys: kind for kind in grammar.conditions.values()}.values(), key=lambda kind: kind.keys)


def operators(grammar: Grammar) -> list[OperatorKind]:
    """Return the value operators, each once, by name."""
    return sorted({kind.names: kind for kind in grammar.operators.values()}.values(), key=lambda kind: kind.names)


def _of_events(kind: OperatorKind) -> Iterator[Shape]:
    for shape in kind.shapes:
        if not shape.needs.keys() & kind.of_traits:
            yield replace(shape, may={name: said for name, said in shape.may.items() if name not in kind.of_traits})


def _open(shape: Schema) -> Schema:
    return {word: said for word, said in shape.items() if word != "additionalProperties"}


def _any(shapes: Iterable[Schema]) -> Schema:
    found = list(shapes)
    return found[0] if len(found) == 1 else {"anyOf": found}
