"""The published schema is current, and agrees with the parser: about every example, and about what is refused."""

import copy

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from services.segment.conditions.catalogue import grammar
from services.segment.domain.definition import parse_definition
from services.segment.domain.fault import InvalidDefinition
from services.segment.domain.language import examples, kinds, language_schema, operators
from services.segment.usecases.document_language import DOCS, documents
from tests.segment.columnar import parsed
from tests.segment.generators import aggregates, definitions

SCHEMA = language_schema(grammar())
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = [(name, example) for name, example in examples(grammar())]


def test_the_documents_are_current():
    stale = [name for name, content in documents().items() if (DOCS / name).read_bytes() != content]
    assert stale == [], "run: python -m services.segment.usecases.document_language"


def test_the_schema_is_a_valid_schema():
    Draft202012Validator.check_schema(SCHEMA)


async def test_the_schema_is_served(stage):
    answer = await stage.app.client.get("/v1/segment/schema")
    assert answer.status_code == 200
    assert answer.json() == msgspec.json.decode((DOCS / "segment-language.json").read_bytes())


@pytest.mark.parametrize("kind", kinds(grammar()), ids=lambda kind: kind.keys[0])
def test_every_condition_says_how_it_looks_and_shows_each_of_its_names(kind):
    assert kind.shapes
    shown = {key for example in kind.examples for key in example.body}
    assert set(kind.keys) <= shown
    assert all(any(key in shape.needs for shape in kind.shapes) for key in kind.keys)


@pytest.mark.parametrize("kind", operators(grammar()), ids=lambda kind: kind.names[0])
def test_every_operator_says_how_it_looks_and_shows_each_of_its_names(kind):
    assert {name for shape in kind.shapes for name in shape.ops} == set(kind.names)
    assert {member for shape in kind.shapes for member in (*shape.needs, *shape.may)} == set(kind.members)
    assert {example.body["op"] for example in kind.examples} == set(kind.names)


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[f"{name}: {example.says}" for name, example in EXAMPLES])
def test_every_example_fits_the_schema_and_parses(name, example):
    VALIDATOR.validate(example.body)
    assert parsed(example.body)
    VALIDATOR.validate({"all": [example.body, {"none": [example.body]}]})


def damaged(body):
    """Yield the definition with one thing wrong, wherever that can be."""
    yield {**body, "surprise": 1}
    for member, value in body.items():
        for wrong in ([], {}, 3.5, True, "", "\u0000surprise", [[]], None):
            if wrong != value:
                yield {**body, member: wrong}
        yield {key: other for key, other in body.items() if key != member}
        yield from ({**body, member: inner} for inner in damaged_inside(value))


def damaged_inside(value):
    """Yield a member's value with one thing wrong deeper in it."""
    if isinstance(value, dict):
        yield from damaged(value)
    for position, item in enumerate(value if isinstance(value, list) else ()):
        for inner in damaged(item) if isinstance(item, dict) else ():
            yield [*value[:position], inner, *value[position + 1 :]]


def faults_of(body):
    try:
        parse_definition(body, grammar())
    except InvalidDefinition as refused:
        return refused.faults
    return ()


SEMANTIC = (
    "longer ago", "before it begins", "greater than", "ends before", "is expected between", "RE2",
    "all the periods", "at most 100 years", "must be longer", "a time in ISO", "from 1 to",
)  # fmt: skip
"""What no schema can say: that one member is greater than another, or that a day exists."""


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[f"{name}: {example.says}" for name, example in EXAMPLES])
def test_what_the_parser_refuses_of_a_damaged_example_the_schema_refuses_too(name, example):
    """And the other way round, but for null, which the parser takes as absent."""
    tried = 0
    for body in damaged(copy.deepcopy(dict(example.body))):
        tried += 1
        faults = faults_of(body)
        semantic = all(any(word in each.detail for word in SEMANTIC) for each in faults)
        if faults and not semantic:
            assert not VALIDATOR.is_valid(body), (body, faults)
        elif not faults:
            assert has_null(body) or VALIDATOR.is_valid(body), body
    assert tried > 5


def has_null(value):
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(has_null, value)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(definition=definitions)
def test_whatever_is_generated_and_parses_fits_the_schema(definition):
    if not faults_of(definition):
        VALIDATOR.validate(definition)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(condition=aggregates)
def test_amounts_have_a_currency_and_different_values_have_none(condition):
    for member, said in (("currency", "currency"), ("convert", {"EUR": 1, "USD": "0.9"})):
        body = {**condition, member: said}
        refused = [fault.pointer for fault in faults_of(body)]
        assert refused == ([f"/{member}"] if condition["aggregate"] == "distinct" else []), body
        assert VALIDATOR.is_valid(body) is not bool(refused)


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"all": []},
        {"all": [], "any": []},
        [],
        "x",
        3,
        {"trait": "a"},
        {"trait": "a", "op": "like", "value": 1},
        {"all": [{"any": []}]},
        {"did": "e", "trait": "a", "op": "exists"},
        {"did": 3},
        {"consulted": "x"},
    ],
)
def test_what_is_no_definition_is_refused_by_both(definition):
    assert faults_of(definition)
    assert not VALIDATOR.is_valid(definition)
