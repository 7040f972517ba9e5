"""The documents of the shared language are current, and change only by optional fields."""

import copy
import json
import re

import jsonschema
import msgspec
import pytest

from libs.common.bus.documents import (
    DIRECTORY,
    NotAdditive,
    asyncapi,
    breaking_changes,
    documents,
    schema_of,
    write,
)
from libs.common.contracts.catalogue import all_contracts
from tests.common.sample.contracts import NoteWritten, a_note


def test_the_documents_are_current():
    present = {path.name: path.read_bytes() for path in DIRECTORY.glob("*.json")}
    stale = sorted(name for name in present.keys() | documents().keys() if present.get(name) != documents().get(name))
    assert stale == [], "run: python -m libs.common.bus.documents"


@pytest.mark.parametrize("contract", all_contracts(), ids=lambda contract: contract.subject)
def test_every_schema_is_a_valid_json_schema(contract):
    jsonschema.Draft202012Validator.check_schema(schema_of(contract))


def test_a_line_on_the_bus_fits_its_schema():
    jsonschema.validate(msgspec.json.decode(msgspec.json.encode(a_note())), schema_of(NoteWritten))


def test_every_reference_of_the_asyncapi_document_resolves():
    document = asyncapi()
    for reference in re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def note_schema():
    return schema_of(NoteWritten)["$defs"]["NoteWritten"]


def test_a_new_optional_field_is_additive():
    new = copy.deepcopy(note_schema())
    new["properties"]["colour"] = {"type": "string", "default": ""}
    new["description"] = "Said in other words."
    assert list(breaking_changes(note_schema(), new)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema["properties"].pop("text"),
        lambda schema: schema["properties"]["text"].update(type="integer"),
        lambda schema: schema["required"].remove("text"),
        lambda schema: schema["required"].append("colour"),
        lambda schema: schema.update(additionalProperties=False),
    ],
)
def test_any_other_change_is_breaking(change):
    new = copy.deepcopy(note_schema())
    change(new)
    assert list(breaking_changes(note_schema(), new))


def test_a_breaking_change_is_not_written(tmp_path):
    write(tmp_path)
    assert write(tmp_path) == []
    path = next(path for path in tmp_path.glob("*.json") if path.name != "asyncapi.json")
    path.write_bytes(path.read_bytes().replace(b'"workspace_id"', b'"tenant_id"'))
    with pytest.raises(NotAdditive, match="tenant_id"):
        write(tmp_path)
