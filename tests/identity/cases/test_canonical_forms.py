"""The published vectors of canonical forms hold, and so do the sample cases: by the namespaces, and through the API."""

import json
import random
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.common.registry import discover
from services.identity import namespaces
from services.identity.domain.naming import name_identifier
from services.identity.domain.policy import Canonical, InvalidValue, NamespaceKind, NamespacePolicy, PolicySet
from services.identity.domain.reading import namespaces_by_name
from tests.fixtures.shared_data import sample_cases

PUBLISHED = Path(__file__).parents[3] / "docs" / "identifier-vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
SAMPLES: list[dict[str, Any]] = sample_cases("normalisation_sample.json")
KINDS = discover(namespaces, "namespace", NamespaceKind)
BY_NAME = namespaces_by_name(KINDS)
NAMESPACES = {each.name: each for each in KINDS}


def declared_by(vector: dict[str, Any]) -> dict[str, Any]:
    """Return the policies of a vector's namespace, with what the vector declares of them."""
    default = msgspec.to_builtins(NAMESPACES[vector["namespace"]].policy)
    return {vector["namespace"]: default | vector.get("declared", {})}


def policies_of(vector: dict[str, Any]) -> PolicySet:
    return PolicySet(1, msgspec.convert(declared_by(vector), dict[str, NamespacePolicy]))


def spellings(vector: dict[str, Any]) -> list[str]:
    return [vector["input"], *vector.get("also", ())]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['namespace']}-{one['input'][:24]!a}")
def test_a_published_vector_holds(vector: dict[str, Any]) -> None:
    for value in spellings(vector):
        outcome = name_identifier(
            vector.get("named", vector["namespace"]), vector.get("scope", "") or "any", value,
            region=vector["default_region"], namespaces=BY_NAME, policies=policies_of(vector),
        )  # fmt: skip
        if isinstance(outcome, InvalidValue):
            assert vector["expect"] == {"invalid": outcome.reason}, value
        else:
            assert outcome.namespace == vector["namespace"]
            assert vector["expect"] == {"canonical": outcome.value}, value


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['namespace']}-{one['input'][:24]!a}")
def test_a_canonical_form_stays_itself_under_every_name_and_rule(vector: dict[str, Any]) -> None:
    if "canonical" in vector["expect"]:
        outcome = NAMESPACES[vector["namespace"]].canonical(vector["expect"]["canonical"], None)
        assert isinstance(outcome, Canonical)
        assert outcome.value == vector["expect"]["canonical"]


def test_every_namespace_has_a_vector_that_is_taken_and_one_that_is_refused() -> None:
    shown = {(one["namespace"], "canonical" in one["expect"]) for one in VECTORS}
    assert shown == {(name, taken) for name in NAMESPACES for taken in (True, False)}


def test_no_two_vectors_of_different_people_share_a_canonical_form() -> None:
    forms = [
        (one["namespace"], one["scope"], one["expect"]["canonical"]) for one in VECTORS if "canonical" in one["expect"]
    ]
    assert len(forms) == len(set(forms))


def identifier(vector: dict[str, Any], value: str) -> dict[str, str]:
    return {"namespace": vector.get("named", vector["namespace"]), "scope": vector.get("scope", ""), "value": value}


Delivery = tuple[dict[str, Any], str]
"""A vector and one of its spellings, or its canonical form."""


def deliveries(order: str) -> list[Delivery]:
    """Return every spelling of every vector, and the canonical forms, in an order: given, turned, or shuffled.

    When shuffled, a third of them come again.
    """
    told = [
        (vector, value)
        for vector in (*VECTORS, *SAMPLES)
        if "declared" not in vector
        for value in (*spellings(vector), vector["expect"].get("canonical", ""))
        if value
    ]
    if order == "given":
        return told
    if order == "turned":
        return told[::-1]
    chance = random.Random(order)
    again = chance.sample(told, len(told) // 3)
    return chance.sample([*told, *again], len(told) + len(again))


async def resolve(client: Any, told: list[Delivery], *, create: bool) -> list[dict[str, Any]]:
    """Ask, value by value, whose an identifier is; those never seen become somebody's if told to."""
    found: list[dict[str, Any]] = []
    for region, group in groupby(told, key=lambda one: one[0]["default_region"]):
        items = [{"identifiers": [identifier(*one)]} for one in group]
        answer = await client.post(
            "/v1/identity/resolve", json={"items": items, "create": create, "default_region": region}
        )
        assert answer.status_code == 200, answer.text
        found += [item["identifiers"][0] for item in answer.json()["items"]]
    return found


@pytest.mark.parametrize("order", ["given", "turned", "shuffled 1", "shuffled 2", "shuffled 3"])
async def test_through_the_api_every_spelling_is_the_same_somebody_and_what_is_invalid_nobody(
    house: Any, order: str
) -> None:
    """Whichever spelling comes first, and however late the others; an id told on the way leads to the one told last."""
    identity = await house.start("identity")
    told = deliveries(order)
    answers: list[dict[str, Any]] = []
    for position in range(0, len(told), 60):
        answers += await resolve(identity.client, told[position : position + 60], create=True)
        await identity.advance_to(house.now + timedelta(days=1 + position))
    answers += await resolve(identity.client, told, create=False)
    leads = await canonical_ids(identity.client, {one["person_id"] for one in answers if one["person_id"]})
    people: dict[tuple[str, str], str] = {}
    for (vector, value), one in zip((*told, *told), answers, strict=True):
        canonical = vector["expect"].get("canonical")
        assert one["reason"] == vector["expect"].get("invalid"), value
        assert (one["identifier"] or {}).get("value") == canonical, value
        assert (one["person_id"] is None) == (canonical is None), value
        if canonical is not None:
            named = vector["namespace"], f"{vector.get('scope', '')}:{canonical}"
            person = leads[one["person_id"]]
            assert people.setdefault(named, person) == person, value
    # of one namespace: a hash and its plain form are one person
    each = [(namespace, person) for (namespace, _), person in people.items()]
    assert len(each) == len(set(each)), "two canonical forms are two persons"


async def canonical_ids(client: Any, person_ids: set[str]) -> dict[str, str]:
    """Return where each id leads now."""
    answer = await client.post("/v1/identity/persons/lookup", json={"person_ids": sorted(person_ids)})
    assert answer.status_code == 200, answer.text
    return {one["person_id"]: one["canonical_id"] for one in answer.json()["items"]}


async def test_through_the_api_what_a_workspace_declares_of_a_namespace_is_in_force(house: Any) -> None:
    identity = await house.start("identity")
    # each after the other: what a vector declares is in force for it alone
    for vector in (one for one in VECTORS if "declared" in one):
        answer = await identity.client.put("/v1/identity/policies", json={"namespaces": declared_by(vector)})
        assert answer.status_code == 200, answer.text
        canonical = vector["expect"].get("canonical")
        told = [(vector, value) for value in (*spellings(vector), canonical) if value]
        found = await resolve(identity.client, told, create=True)
        assert {(one["identifier"] or {}).get("value") for one in found} == {canonical}, vector
        assert {one["reason"] for one in found} == {vector["expect"].get("invalid")}, vector
        persons = {one["person_id"] for one in found}
        assert len(persons) == 1, vector
        assert (persons == {None}) == (canonical is None), vector


async def test_what_is_blank_is_refused_with_a_pointer(house: Any) -> None:
    identity = await house.start("identity")
    body = {"items": [{"identifiers": [{"namespace": "phone", "value": ""}]}]}
    answer = await identity.client.post("/v1/identity/resolve", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/items/0/identifiers/0/value"
