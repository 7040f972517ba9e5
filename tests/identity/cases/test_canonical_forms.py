"""The published vectors of canonical forms hold, and so do the sample cases: by the namespaces, and through the API."""

import json
from pathlib import Path
from typing import Any

import pytest

from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.policy import Canonical, InvalidValue, NamespaceKind
from tests.fixtures.shared_data import sample_cases

PUBLISHED = Path(__file__).parents[3] / "docs" / "identifier-vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
SAMPLES: list[dict[str, Any]] = sample_cases("normalisation_sample.json")
NAMESPACES = {each.name: each for each in discover(namespaces, "namespace", NamespaceKind)}


def spellings(vector: dict[str, Any]) -> list[str]:
    return [vector["input"], *vector.get("also", ())]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['namespace']}-{one['input'][:24]!a}")
def test_a_published_vector_holds(vector: dict[str, Any]) -> None:
    for value in spellings(vector):
        outcome = NAMESPACES[vector["namespace"]].canonical(value, vector["default_region"])
        if isinstance(outcome, Canonical):
            assert vector["expect"] == {"canonical": outcome.value}, value
        else:
            assert isinstance(outcome, InvalidValue)
            assert vector["expect"] == {"invalid": outcome.reason}, value


def test_every_namespace_has_a_vector_that_is_taken_and_one_that_is_refused() -> None:
    shown = {(one["namespace"], "canonical" in one["expect"]) for one in VECTORS}
    assert shown == {(name, taken) for name in NAMESPACES for taken in (True, False)}


def test_no_two_vectors_of_different_people_share_a_canonical_form() -> None:
    forms = [
        (one["namespace"], one["scope"], one["expect"]["canonical"]) for one in VECTORS if "canonical" in one["expect"]
    ]
    assert len(forms) == len(set(forms))


def identifier(vector: dict[str, Any], value: str) -> dict[str, str]:
    return {"namespace": vector["namespace"], "scope": vector.get("scope", ""), "value": value}


async def resolve(client: Any, vector: dict[str, Any], values: list[str]) -> list[dict[str, Any]]:
    """Ask, value by value, whose an identifier is; those never seen become somebody's."""
    answer = await client.post(
        "/v1/identity/resolve",
        json={
            "items": [{"identifiers": [identifier(vector, value)]} for value in values],
            "create": True,
            "default_region": vector["default_region"],
        },
    )
    assert answer.status_code == 200, answer.text
    return [item["identifiers"][0] for item in answer.json()["items"]]


async def test_through_the_api_every_spelling_is_the_same_somebody_and_what_is_invalid_nobody(house: Any) -> None:
    identity = await house.start("identity")
    for vector in (*VECTORS, *SAMPLES):
        values = [value for value in spellings(vector) if value]
        if "canonical" not in vector["expect"]:
            for one in await resolve(identity.client, vector, values):
                assert one["identifier"] is None, vector
                assert one["person_id"] is None, vector
                assert one["reason"] == vector["expect"]["invalid"], vector
            continue
        canonical = vector["expect"]["canonical"]
        # a canonical form is its own canonical form
        told = await resolve(identity.client, vector, [*values, canonical])
        assert {one["identifier"]["value"] for one in told} == {canonical}, vector
        assert len({one["person_id"] for one in told}) == 1, vector
        assert told[0]["person_id"] is not None, vector


async def test_what_is_blank_is_refused_with_a_pointer(house: Any) -> None:
    identity = await house.start("identity")
    body = {"items": [{"identifiers": [{"namespace": "phone", "value": ""}]}]}
    answer = await identity.client.post("/v1/identity/resolve", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/items/0/identifiers/0/value"
